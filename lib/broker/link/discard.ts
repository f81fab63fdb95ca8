import { JetStreamApiError } from "@nats-io/jetstream";
import { ask } from "./ask.ts";
import type { Connected } from "./link.ts";

/** Takes a message out of a stream. No harm if it is not there any more. */
export async function discard({ jsm }: Connected, stream: string, sequence: number): Promise<void> {
  try {
    // No erase: overwriting with random bytes costs far more than the delete.
    await ask(jsm.streams.deleteMessage(stream, sequence, false));
  } catch (error) {
    if (!(error instanceof JetStreamApiError)) throw error;
  }
}
