import {
  AuthorizationError,
  type ConnectionOptions,
  type NatsConnection,
  wsconnect,
} from "@nats-io/nats-core";
import { connect } from "@nats-io/transport-node";
import { BrokerUnfit } from "./broker-unfit.ts";

export interface DialOptions {
  /** nats://, tls://, ws:// or wss:// addresses; all of one transport. */
  readonly servers: readonly string[];
  readonly token?: string | undefined;
  /** Name of the connection, as `nats server report connections` shows it. */
  readonly name: string;
}

function optionsOf({ servers, token, name }: DialOptions): ConnectionOptions {
  return {
    servers: [...servers],
    name,
    ...(token !== undefined && { token }),
    timeout: 2_000,
    maxReconnectAttempts: -1,
    reconnectTimeWait: 250,
    reconnectJitter: 100,
    // A server that was stopped, or a line that went dead, is noticed within 6 s.
    pingInterval: 2_000,
    maxPingOut: 2,
    ignoreClusterUpdates: servers.some(isWebSocket),
  };
}

function isWebSocket(server: string): boolean {
  return /^wss?:\/\//.test(server);
}

/** One attempt to connect. After that, the client reconnects by itself for as long as it takes. */
export async function dial(options: DialOptions, closing: AbortSignal): Promise<NatsConnection> {
  const open = options.servers.some(isWebSocket) ? wsconnect : connect;
  try {
    const nc = await open(optionsOf(options));
    if (closing.aborted) await nc.close();
    return nc;
  } catch (error) {
    if (!(error instanceof AuthorizationError)) throw error;
    const servers = options.servers.join(", ");
    throw new BrokerUnfit(`${servers} refuses our credentials; check NATS_AUTH_TOKEN`, {
      cause: error,
    });
  }
}
