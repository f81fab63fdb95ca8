import { errorMessage } from "#lib/task/error-message.ts";
import { hostInUrl } from "./host-name.ts";
import { Secret } from "./secret.ts";
import { list } from "./setting.ts";

const DEFAULT_PORTS: ReadonlyMap<string, number> = new Map([
  ["nats:", 4222],
  ["tls:", 4222],
  ["ws:", 80],
  ["wss:", 443],
]);

const ENCODED =
  "special characters of a user, password or token must be percent-encoded, e.g. %2F for /, %25 for %";

export type NatsCredentials =
  | { readonly token: Secret }
  | { readonly user: string; readonly password: Secret };

interface Parts {
  /** Without credentials. */
  readonly url: string;
  readonly address: string;
  readonly credentials: NatsCredentials | undefined;
}

/** One of NATS_SERVERS. It may be printed: its password or token does not show. */
export class NatsServer {
  /** As the client wants it, without credentials. */
  readonly url: string;
  /** `host:port` */
  readonly address: string;
  /** Those in its own address. */
  readonly credentials: NatsCredentials | undefined;

  constructor({ url, address, credentials }: Parts) {
    this.url = url;
    this.address = address;
    this.credentials = credentials;
  }

  get isWebSocket(): boolean {
    return this.url.startsWith("ws");
  }

  get wantsTls(): boolean {
    return this.url.startsWith("tls:");
  }

  toString(): string {
    const { url, credentials } = this;
    if (!credentials) return url;
    const shown =
      "token" in credentials
        ? `${credentials.token}`
        : `${encodeURIComponent(credentials.user)}:${credentials.password}`;
    return url.replace("://", `://${shown}@`);
  }

  toJSON(): string {
    return this.toString();
  }
}

/** `nats://host:4222`, with `user:password@` or `token@` before the host where the server asks for it. */
export function natsServers(given: string): readonly NatsServer[] {
  const items = list(given);
  if (items.length === 0) throw new Error("must name at least one server");
  const servers = items.map((item, index) => {
    try {
      return natsServer(item);
    } catch (error) {
      // Not quoted, for it may hold a password.
      const why = errorMessage(error);
      throw new Error(`${items.length > 1 ? `server ${index + 1} ` : ""}${why}`, { cause: error });
    }
  });
  if (new Set(servers.map(({ isWebSocket }) => isWebSocket)).size === 1) return servers;
  throw new Error("must not mix WebSocket (ws, wss) with plain NATS (nats, tls)");
}

function natsServer(given: string): NatsServer {
  // With credentials the scheme must be there: the rest of a password that has a comma in it is no server.
  const url = parsed(/:\/\/|@/.test(given) ? given : `nats://${given}`);
  const defaultPort = DEFAULT_PORTS.get(url.protocol);
  if (defaultPort === undefined)
    throw new Error("must begin with nats://, tls://, ws:// or wss://");
  if (url.port === "0") throw new Error("must have a port from 1 to 65535");
  const isWebSocket = url.protocol.startsWith("ws");
  const path = url.pathname === "/" ? "" : url.pathname;
  const isPath = path === "" || (isWebSocket && !path.includes("@"));
  if (!isPath || url.search || url.hash)
    throw new Error(`must have nothing after the port${encodedHint(given)}`);
  const address = `${hostOf(url)}:${url.port || defaultPort}`;
  return new NatsServer({
    url: `${url.protocol}//${address}${path}`,
    address,
    credentials: credentialsOf(url),
  });
}

function parsed(given: string): URL {
  const url = URL.parse(given);
  if (url?.hostname) return url;
  const wanted = "must be an address such as nats://host:4222, with a port from 1 to 65535";
  throw new Error(`${wanted}${encodedHint(given)}`);
}

/** A # or / in a password makes it look like the rest of an address. */
function encodedHint(given: string): string {
  return given.includes("@") ? `; ${ENCODED}` : "";
}

/** As the client writes it. */
function hostOf({ hostname }: URL): string {
  const host = hostInUrl(hostname);
  if (host) return host;
  throw new Error("must have the name or the address of a host");
}

function credentialsOf({ username, password }: URL): NatsCredentials | undefined {
  if (username === "" && password === "") return undefined;
  if (username === "") throw new Error("must have a user before the password");
  const user = decoded(username);
  if (password === "") return { token: new Secret(user) };
  return { user, password: new Secret(decoded(password)) };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch (error) {
    throw new Error(ENCODED, { cause: error });
  }
}
