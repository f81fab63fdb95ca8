import { JetStreamApiCodes, JetStreamApiError } from "@nats-io/jetstream";
import { ask } from "./ask.ts";
import type { Connected } from "./link.ts";

/** When a stream was made, which tells it from another one of its name; undefined if there is none. */
export async function streamCreated(
  { jsm }: Connected,
  stream: string,
): Promise<string | undefined> {
  try {
    return (await ask(jsm.streams.info(stream))).created;
  } catch (error) {
    const { StreamNotFound } = JetStreamApiCodes;
    if (error instanceof JetStreamApiError && error.code === StreamNotFound) return undefined;
    throw error;
  }
}
