import { BlockList, isIP } from "node:net";

/** A host, and perhaps a port, as a Host header has them. */
const AUTHORITY = /^(\[[\da-f:.]+\]|[^\s:/?#@[\]\\]+)(?::\d*)?$/i;

/** What a URL has as its host, in lower case and in ASCII: an address, or a name of letters, digits, hyphens and underscores. */
const HOST = /^(\[[\da-f:.]+\]|[\da-z_-]+(\.[\da-z_-]+)*\.?)$/;

/** The host as a URL has it; undefined for what is none. URLs allow characters that no host has, such as a semicolon. */
export function hostInUrl(given: string): string | undefined {
  const host = URL.parse(`http://${given}`)?.hostname;
  return host !== undefined && HOST.test(host) ? host : undefined;
}

const LOOPBACK = new BlockList();
LOOPBACK.addSubnet("127.0.0.0", 8);
LOOPBACK.addAddress("::1", "ipv6");

/** The host without its port and the dot that may end it, in lower case; undefined for what names no host. */
export function hostNameOf(authority: string): string | undefined {
  return AUTHORITY.exec(authority)?.[1]?.toLowerCase().replace(/\.$/, "");
}

/** Whether a URL's host is an IP address, which no name server can point elsewhere. */
export function isAddress(name: string): boolean {
  return isIP(bareAddress(name)) !== 0;
}

export function isLoopbackAddress(address: string): boolean {
  const [bare = ""] = address.split("%");
  const family = isIP(bare);
  return family !== 0 && LOOPBACK.check(bare, family === 6 ? "ipv6" : "ipv4");
}

/** Whether a URL's host can only mean the machine of who calls it. */
export function isLoopbackName(name: string): boolean {
  return /^(.+\.)?localhost$/.test(name) || isLoopbackAddress(bareAddress(name));
}

/** An IPv6 address without the brackets that it has in a URL; every other host as it is. */
export function bareAddress(name: string): string {
  return name.replace(/^\[(.+)\]$/, "$1");
}
