import { Agent, type Dispatcher, request } from "undici";
import { timeoutSignal } from "#lib/async/timers.ts";
import type { Settings } from "#lib/process/settings.ts";
import { VERSION } from "#lib/process/version.ts";
import { PermanentError } from "#lib/task/handler-errors.ts";
import { fetchError, statusError } from "./fetch-errors.ts";
import { sizeInWords } from "./numbers-in-words.ts";
import { ACCEPTED_ENCODINGS, decompress, readBody, tooLarge } from "./read-body.ts";
import { connectorToPublic } from "./refuse-private.ts";

const MAX_REDIRECTS = 5;
const CONNECT_TIMEOUT_MS = 8_000;
const HEADERS_TIMEOUT_MS = 15_000;
/** Between two pieces of the page. */
const STALL_TIMEOUT_MS = 10_000;

const REDIRECTS = new Set([301, 302, 303, 307, 308]);
const READABLE = new Set(["text/html", "application/xhtml+xml", "text/plain"]);

const HEADERS = {
  "user-agent": `Millrace/${VERSION}`,
  accept: "text/html, application/xhtml+xml, text/plain;q=0.8",
  "accept-encoding": ACCEPTED_ENCODINGS,
};

export interface FetchedPage {
  /** After redirects. */
  readonly url: string;
  readonly host: string;
  /** The whole header, e.g. "text/html; charset=utf-8". */
  readonly contentType: string;
  /** Its first part, e.g. "text/html". */
  readonly mediaType: string;
  /** Without any compression. */
  readonly bytes: Buffer;
}

export type FetchLimits = Pick<Settings, "fetchTimeoutMs" | "fetchMaxBytes" | "fetchAllowHosts">;

/** Who is told while a page is fetched, and may stop it. */
export interface FetchWatcher {
  readonly signal: AbortSignal;
  fact(line: string): void;
  /** `total` is what the server announced. */
  received(host: string, bytes: number, total: number | undefined): void;
}

interface Fetching {
  readonly limits: FetchLimits;
  readonly watcher: FetchWatcher;
  readonly dispatcher: Dispatcher;
  /** The watcher's signal, or the time is up. */
  readonly signal: AbortSignal;
}

/** Where one request led. */
type Visit = { kind: "page"; page: FetchedPage } | { kind: "redirect"; to: URL };

/** Fetches a page from a public host, following redirects. */
export async function fetchPage(
  address: string,
  limits: FetchLimits,
  watcher: FetchWatcher,
): Promise<FetchedPage> {
  const signal = AbortSignal.any([watcher.signal, timeoutSignal(limits.fetchTimeoutMs)]);
  // The socket gets the signal too: a request heeds it only once there is a connection.
  const connect = connectorToPublic(limits.fetchAllowHosts, {
    timeout: CONNECT_TIMEOUT_MS,
    signal,
  });
  const dispatcher = new Agent({ connect });
  try {
    return await follow(webAddress(address), { limits, watcher, dispatcher, signal });
  } finally {
    // Not close(): that would wait for pages which nobody reads any more.
    await dispatcher.destroy();
  }
}

async function follow(first: URL, fetching: Fetching): Promise<FetchedPage> {
  let url = first;
  for (let redirects = 0; redirects <= MAX_REDIRECTS; redirects++) {
    const found = await visitOrExplain(url, fetching);
    if (found.kind === "page") return found.page;
    fetching.watcher.fact(`redirected to ${found.to.href}`);
    url = found.to;
  }
  throw new PermanentError(
    `${first.host} redirects more than ${MAX_REDIRECTS} times, the last time to ${url.host}`,
    { code: "TOO_MANY_REDIRECTS" },
  );
}

async function visitOrExplain(url: URL, fetching: Fetching): Promise<Visit> {
  try {
    return await visit(url, fetching);
  } catch (error) {
    // Why the attempt was stopped is for the worker to say, not a fault of the site.
    fetching.watcher.signal.throwIfAborted();
    const { signal, limits } = fetching;
    throw fetchError(signal.aborted ? signal.reason : error, url.host, limits.fetchTimeoutMs);
  }
}

async function visit(url: URL, { watcher, dispatcher, signal, limits }: Fetching): Promise<Visit> {
  watcher.received(url.host, 0, undefined);
  const answer = await request(url, {
    dispatcher,
    signal,
    headers: HEADERS,
    headersTimeout: HEADERS_TIMEOUT_MS,
    bodyTimeout: STALL_TIMEOUT_MS,
  });
  // A body that is left unread is destroyed with the dispatcher; its error is nobody's news.
  answer.body.on("error", () => {});
  const location = header(answer, "location");
  if (REDIRECTS.has(answer.statusCode) && location !== "") {
    return { kind: "redirect", to: webAddress(location, url) };
  }
  return { kind: "page", page: await readPage(url, answer, { limits, watcher }) };
}

async function readPage(
  url: URL,
  answer: Dispatcher.ResponseData,
  { limits, watcher }: Pick<Fetching, "limits" | "watcher">,
): Promise<FetchedPage> {
  const { host } = url;
  if (answer.statusCode < 200 || answer.statusCode > 299) {
    throw statusError(answer.statusCode, host);
  }
  const contentType = header(answer, "content-type");
  const mediaType = readableType(contentType, host);
  const body = { host, maxBytes: limits.fetchMaxBytes };
  const declared = Number(header(answer, "content-length") || Number.NaN);
  if (declared > body.maxBytes) throw tooLarge(body, declared);
  const total = Number.isNaN(declared) ? undefined : declared;
  const received = (count: number) => watcher.received(host, count, total);
  const sent = await readBody(answer.body, body, received);
  const encoding = header(answer, "content-encoding").trim().toLowerCase();
  const bytes = await decompress(sent, encoding, body);
  watcher.fact(
    `${host} answered with status ${answer.statusCode}, ${contentType}, ${sizeInWords(sent.length)}${encoding && ` of ${encoding}`}`,
  );
  return { url: url.href, host, contentType, mediaType, bytes };
}

function readableType(contentType: string, host: string): string {
  const [first = ""] = contentType.split(";");
  const mediaType = first.trim().toLowerCase();
  if (READABLE.has(mediaType)) return mediaType;
  const found = mediaType === "" ? "content of no stated type" : mediaType;
  throw new PermanentError(`${host} sent ${found}; only ${[...READABLE].join(", ")} are read`, {
    code: "UNSUPPORTED_CONTENT",
  });
}

function webAddress(address: string, base?: URL): URL {
  const url = URL.parse(address, base?.href);
  if (url === null || (url.protocol !== "http:" && url.protocol !== "https:")) {
    const shown = url === null ? "something that is no address" : url.protocol;
    const from = base === undefined ? "asked for" : `${base.host} redirects to`;
    throw new PermanentError(`${from} ${shown}; only http: and https: are fetched`, {
      code: "ADDRESS_REFUSED",
    });
  }
  // Addresses are logged and stored: a password must not be in them.
  url.username = "";
  url.password = "";
  return url;
}

function header({ headers }: Dispatcher.ResponseData, name: string): string {
  const value = headers[name];
  return (Array.isArray(value) ? value[0] : value) ?? "";
}
