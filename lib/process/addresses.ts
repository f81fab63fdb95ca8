import { InvalidArgumentError } from "commander";
import { quoted } from "./escaped.ts";
import { hostInUrl } from "./host-name.ts";

/** An origin, written as browsers send it; or `loopback`, or `*`. */
export function origin(given: string): string {
  if (given === "loopback" || given === "*") return given;
  const url = URL.parse(given);
  // Of other schemes, such as those of browser extensions, nobody knows more than their form.
  const sent = url && /^https?:$/.test(url.protocol) ? url.origin : given;
  if (/^[a-z][a-z0-9+.-]*:\/\/[^/?#@*\s]+$/.test(given) && sent === given) return given;
  const hint = url && sent !== given ? ` (did you mean ${quoted(sent)}?)` : "";
  throw new InvalidArgumentError(
    `${quoted(given)} is no origin${hint}: it is loopback, *, or scheme://host or scheme://host:port, as browsers send it`,
  );
}

/** `host:port`; an IPv6 address stands in brackets. */
export function hostAndPort(given: string): string {
  const [, host = "", port] = /^(\[[^\]]+\]|[^\s:/@[\]]+):(\d{1,5})$/.exec(given) ?? [];
  const isPort = Number(port) >= 1 && Number(port) <= 65_535;
  if (isPort && hostInUrl(host) !== undefined) return given;
  throw new InvalidArgumentError(
    `${quoted(given)} must be host:port, e.g. intranet.example:80 or [::1]:8080`,
  );
}

/** The address of an API, whose paths are put after it, without a slash at its end. Never quoted: it may hold a password by mistake. */
export function apiUrl(given: string): string {
  const url = URL.parse(given.trim());
  if (!url || !/^https?:$/.test(url.protocol)) {
    throw new InvalidArgumentError("must be an address that begins with http:// or https://");
  }
  if (url.username || url.password) {
    throw new InvalidArgumentError("must not have a user or password");
  }
  if (url.search || url.hash) throw new InvalidArgumentError("must not have a ? or #");
  return given.trim().replace(/\/+$/, "");
}
