import { type JetStreamManager, jetstreamManager } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/nats-core";
import { SERVERS_VARIABLE } from "./dial.ts";

/** Asks whether there is a JetStream, and says what to do if there is none. */
export async function openManager(
  nc: NatsConnection,
  timeout: number,
  serversSetting = SERVERS_VARIABLE,
): Promise<JetStreamManager> {
  try {
    return await jetstreamManager(nc, { timeout });
  } catch (error) {
    // In a cluster, a server without JetStream leads to those that have it: that it has none is not enough to refuse it.
    if (nc.info?.jetstream) throw error;
    const remedy = `Start it with JetStream (nats-server -js), or set ${serversSetting} to one that has it.`;
    const text = `the NATS at ${nc.getServer()} runs without JetStream. ${remedy}`;
    throw new Error(text, { cause: error });
  }
}
