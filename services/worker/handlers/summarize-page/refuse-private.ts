import { type LookupAddress, type LookupOptions, lookup } from "node:dns";
import { isIP } from "node:net";
import { buildConnector } from "undici";
import { PermanentError } from "#lib/task/handler-errors.ts";
import { areAllPublic, isPrivateAddress } from "./private-address.ts";

const DEFAULT_PORTS: Readonly<Record<string, string>> = { "http:": "80", "https:": "443" };

type Found = (
  error: NodeJS.ErrnoException | null,
  address: string | LookupAddress[],
  family?: number,
) => void;

/**
 * A connector that reaches public hosts only, and the `host:port` pairs of the allow list. It judges the very
 * addresses that the socket then connects to: a name cannot answer "public" here and "private" a moment later.
 */
export function connectorToPublic(
  allowHosts: readonly string[],
  options: { readonly timeout: number; readonly signal: AbortSignal },
): buildConnector.connector {
  // HTTP/1.1 alone: one page per connection gains nothing from h2, and a closed socket stops it for certain.
  const open = buildConnector({ ...options, allowH2: false });
  const guarded = buildConnector({ ...options, allowH2: false, lookup: lookupPublic });
  const allowed = new Set(allowHosts.map((pair) => pair.toLowerCase()));
  return (target, callback) => {
    const hostname = bare(target.hostname);
    if (allowed.has(pairOf(target))) return open(target, callback);
    // A socket looks names up, never addresses.
    if (isIP(hostname) !== 0 && isPrivateAddress(hostname))
      return callback(refusal(hostname), null);
    return guarded(target, callback);
  };
}

function lookupPublic(hostname: string, options: LookupOptions, found: Found): void {
  lookup(hostname, { ...options, all: true }, (error, addresses) => {
    if (error !== null) return found(error, []);
    const [first] = addresses;
    if (first === undefined || !areAllPublic(addresses)) {
      return found(refusal(hostname), []);
    }
    if (options.all === true) return found(null, addresses);
    return found(null, first.address, first.family);
  });
}

/** Says no address: whoever submits tasks need not learn how names resolve in here. */
function refusal(hostname: string): PermanentError {
  return new PermanentError(
    `${hostname} is at a private address; only public hosts are fetched, and the host:port pairs in MILLRACE_FETCH_ALLOW_HOSTS`,
    { code: "ADDRESS_REFUSED" },
  );
}

function pairOf({ hostname, protocol, port }: buildConnector.Options): string {
  const name = bare(hostname);
  const host = isIP(name) === 6 ? `[${name}]` : name;
  return `${host}:${port || DEFAULT_PORTS[protocol]}`.toLowerCase();
}

function bare(hostname: string): string {
  return hostname.replace(/^\[|\]$/g, "");
}
