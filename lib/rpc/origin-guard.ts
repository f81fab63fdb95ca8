import type { IncomingHttpHeaders } from "node:http";
import { shown } from "#lib/process/escaped.ts";
import type { Endpoint } from "#lib/process/health-endpoints.ts";
import type { ObservedCalls } from "./around-calls.ts";
import { forbidden, refusePlainly } from "./connect-refusals.ts";
import { originFilter } from "./cors.ts";

const MAX_SHOWN_CHARS = 100;

/**
 * Refuses calls of pages that may not call. CORS alone keeps answers from them, not calls: browsers send those that look
 * like a form or an image without asking first.
 */
export function originGuard(allowed: readonly string[], observed: ObservedCalls): Endpoint {
  const mayCall = originFilter(allowed);
  return (request, response) => {
    const foreign = foreignOrigin(request.headers);
    if (foreign === undefined || mayCall(foreign)) return false;
    const message = `pages of ${shown(foreign, MAX_SHOWN_CHARS)} may not call here: MILLRACE_CORS_ORIGINS names those that may; a page of this service itself may if the proxy in front passes the Host header on`;
    const fault = forbidden("ORIGIN_NOT_ALLOWED", message);
    return refusePlainly(observed, { request, response, status: 403, fault });
  };
}

/**
 * Whose page calls, unless it is one of our own, or no page. As net/http's CrossOriginProtection in Go has it: what no
 * page can forge is Sec-Fetch-Site, and, in older browsers and by plain HTTP, that Origin and Host agree; who sends
 * neither is no browser.
 */
function foreignOrigin(headers: IncomingHttpHeaders): string | undefined {
  const { origin, host, "sec-fetch-site": site } = headers;
  if (site === "same-origin" || site === "none") return undefined;
  if (site === undefined && (origin === undefined || isSameHost(origin, host))) return undefined;
  return origin ?? "another site";
}

/** Not the scheme: a proxy in front may have ended TLS. */
function isSameHost(origin: string, host = ""): boolean {
  const page = URL.parse(origin);
  if (page === null || page.host === "") return false;
  return URL.parse(`${page.protocol}//${host}`)?.host === page.host;
}
