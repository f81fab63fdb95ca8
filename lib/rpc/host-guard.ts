import type { IncomingMessage } from "node:http";
import { quoted } from "#lib/process/escaped.ts";
import type { Endpoint } from "#lib/process/health-endpoints.ts";
import { hostNameOf, isAddress, isLoopbackName } from "#lib/process/host-name.ts";
import type { ObservedCalls } from "./around-calls.ts";
import { forbidden, isHost, refusePlainly } from "./connect-refusals.ts";

/** The host in `POST http://example.com/path`, which counts more than the Host header. */
const ABSOLUTE_FORM = /^[a-z][a-z\d+.-]*:\/\/([^/?#]*)/i;

interface AllowedHosts {
  readonly allowedHosts: readonly string[];
  /** The name or address that was asked for to listen on. */
  readonly host: string;
  readonly onLoopback: boolean;
}

/**
 * Whether requests may name a host, given as in a Host header. Without a list, a port of the loopback interface answers
 * to names of this machine only, and every other port to all. An address can't be pointed elsewhere, and probes use it;
 * on the loopback interface, one of another interface tells of something in front.
 */
function mayName(authority: string, { allowedHosts, host, onLoopback }: AllowedHosts): boolean {
  if (allowedHosts.includes("*") || (allowedHosts.length === 0 && !onLoopback)) return true;
  const name = hostNameOf(authority);
  if (name === undefined) return false;
  if (isLoopbackName(name) || (!onLoopback && isAddress(name))) return true;
  return [...allowedHosts, hostNameOf(host)].includes(name);
}

interface HostGuardOptions extends Omit<AllowedHosts, "onLoopback"> {
  /** Asked when a request is there, and so the port open. */
  readonly onLoopback: () => boolean;
  readonly observed: ObservedCalls;
}

/**
 * Refuses requests for hosts that are not ours. A page can have the name of its own server point at this machine; what it
 * then calls is of its own origin for the browser, and only the Host header still tells.
 */
export function hostGuard({ onLoopback, observed, ...hosts }: HostGuardOptions): Endpoint {
  return (request, response) => {
    const allowed = { ...hosts, onLoopback: onLoopback() };
    const foreign = hostsOf(request).find((named) => !mayName(named, allowed));
    if (foreign === undefined) return false;
    const message = `requests for the host ${quoted(foreign)} are not answered here; if a proxy in front passes its own name on, add that to MILLRACE_ALLOWED_HOSTS`;
    const fault = forbidden("HOST_NOT_ALLOWED", message);
    return refusePlainly(observed, { request, response, status: 403, fault });
  };
}

/** None for a request that names no host, or nothing that could be one; browsers send no such. */
function hostsOf({ url = "", headers: { host } }: IncomingMessage): string[] {
  const target = ABSOLUTE_FORM.exec(url)?.[1];
  return [target, host].filter((named) => named !== undefined).filter(isHost);
}
