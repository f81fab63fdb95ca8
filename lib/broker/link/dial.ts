import type { ConnectionOptions as SecureOptions } from "node:tls";
import {
  AuthorizationError,
  type ConnectionOptions,
  type NatsConnection,
  type TlsOptions,
  wsconnect,
} from "@nats-io/nats-core";
import { connect } from "@nats-io/transport-node";
import type { NatsServer } from "#lib/process/nats-server.ts";
import type { Secret } from "#lib/process/secret.ts";
import { errorMessage } from "#lib/task/error-message.ts";
import { BrokerUnfit } from "./broker-unfit.ts";
import { credentialsByServer } from "./credentials.ts";
import { joinWrites } from "./join-writes.ts";
import type { ServerChoice } from "./server-choice.ts";
import { identityAmong } from "./server-identity.ts";

export const SERVERS_VARIABLE = "NATS_SERVERS";

export interface DialOptions {
  /** All of one transport. */
  readonly servers: readonly NatsServer[];
  readonly token?: Secret | undefined;
  /** The variable or flag that names the servers. None: the variable. */
  readonly serversSetting?: string;
  /** Name of the connection, as `nats server report connections` shows it. */
  readonly name: string;
}

function optionsOf({ servers, token, name }: DialOptions, choice: ServerChoice): ConnectionOptions {
  return {
    servers: servers.map(({ url }) => url),
    name,
    ...credentialsByServer({ servers, token }, choice),
    // The client does not look at the scheme, and would go on without TLS where the server offers none.
    ...(servers.some(({ wantsTls }) => wantsTls) && { tls: tlsOf(servers) }),
    timeout: 2_000,
    maxReconnectAttempts: -1,
    reconnectTimeWait: 250,
    reconnectJitter: 100,
    // A server that was stopped, or a line that went dead, is noticed within 6 s.
    pingInterval: 2_000,
    maxPingOut: 2,
    // An error object for each request, in case it fails, was a sixth of the gateway's CPU.
    noAsyncTraces: true,
    ignoreClusterUpdates: servers.some(({ isWebSocket }) => isWebSocket),
  };
}

/** The client hands all of it on to Node. */
function tlsOf(
  servers: readonly NatsServer[],
): TlsOptions & Pick<SecureOptions, "checkServerIdentity"> {
  return { checkServerIdentity: identityAmong(servers) };
}

/** One attempt to connect. After that, the client reconnects by itself for as long as it takes. */
export async function dial(
  options: DialOptions,
  choice: ServerChoice,
  closing: AbortSignal,
): Promise<NatsConnection> {
  const open = options.servers.some(({ isWebSocket }) => isWebSocket) ? wsconnect : connect;
  try {
    const nc = await open(optionsOf(options, choice));
    joinWrites(nc);
    if (closing.aborted) await nc.close();
    return nc;
  } catch (error) {
    throw explained(error, options);
  }
}

function explained(error: unknown, options: DialOptions): Error {
  const { servers, token, serversSetting = SERVERS_VARIABLE } = options;
  const where = servers.join(", ");
  if (!(error instanceof AuthorizationError)) {
    // Of a WebSocket, the client hears no more than that it failed.
    const reason = errorMessage(error) || "connection failed";
    const remedy = `Start a nats-server there, or set ${serversSetting} to where one runs.`;
    return new Error(`can't connect to NATS at ${where}: ${reason}. ${remedy}`, { cause: error });
  }
  const isAnonymous = !token && !servers.some(({ credentials }) => credentials);
  const text = isAnonymous
    ? `${where} asks for credentials; set NATS_AUTH_TOKEN, or NATS_SERVERS=nats://user:password@host`
    : `${where} refuses our credentials; check NATS_AUTH_TOKEN, and what NATS_SERVERS has before the @`;
  return new BrokerUnfit(text, { cause: error });
}
