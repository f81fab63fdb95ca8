import { BlockList, isIP } from "node:net";

/** Everything in IANA's special-purpose registry that is not a public host. */
const REFUSED_V4 = [
  "0.0.0.0/8", // this network, the unspecified address
  "10.0.0.0/8",
  "100.64.0.0/10", // carrier-grade NAT; also some clouds' metadata
  "127.0.0.0/8", // loopback
  "168.63.129.16/32", // public by its number, yet Azure's host agent
  "169.254.0.0/16", // link-local; most clouds' metadata
  "172.16.0.0/12",
  "192.0.0.0/24",
  "192.0.2.0/24", // documentation
  "192.88.99.0/24", // 6to4 relays
  "192.168.0.0/16",
  "198.18.0.0/15", // benchmarks
  "198.51.100.0/24", // documentation
  "203.0.113.0/24", // documentation
  "224.0.0.0/4", // multicast
  "240.0.0.0/4", // reserved, broadcast
];

/** Public hosts live in 2000::/3 alone, so the rest goes as a whole. */
const REFUSED_V6 = [
  "::/3", // unspecified, loopback, IPv4-mapped, NAT64 (64:ff9b::)
  "4000::/2",
  "8000::/1", // unique-local (fc00::), link-local (fe80::), multicast (ff00::)
  "2001::/23", // Teredo and other protocols that carry an IPv4 address inside
  "2001:db8::/32", // documentation
  "2002::/16", // 6to4: carries an IPv4 address inside
  "3fff::/20", // documentation
];

// Two lists: one list would hold an IPv4 address against the IPv6 rules as its mapped form, and ::/3 refuses those.
const V4 = blockList(REFUSED_V4, "ipv4");
const V6 = blockList(REFUSED_V6, "ipv6");

function blockList(networks: readonly string[], family: "ipv4" | "ipv6"): BlockList {
  const list = new BlockList();
  for (const network of networks) {
    const [address = "", prefix] = network.split("/");
    list.addSubnet(address, Number(prefix), family);
  }
  return list;
}

/** One private address among public ones is as bad as all: a socket may choose any of them. */
export function areAllPublic(addresses: readonly { readonly address: string }[]): boolean {
  return addresses.length > 0 && !addresses.some(({ address }) => isPrivateAddress(address));
}

/** Whether an IP address belongs to no public host. What is no address at all counts as private. */
export function isPrivateAddress(address: string): boolean {
  const [bare = ""] = address.split("%"); // fe80::1%eth0
  switch (isIP(bare)) {
    case 4:
      return V4.check(bare, "ipv4");
    case 6:
      return V6.check(bare, "ipv6");
    default:
      return true;
  }
}
