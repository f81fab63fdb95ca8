import { type JsMsg, jetstream } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";

const AT_ONCE = 5_000;

/** Hands over every message that a stream has of some subjects. */
export async function readStream(
  natsUrl: string,
  { stream, subjects }: { readonly stream: string; readonly subjects: string },
  onMessage: (message: JsMsg) => void,
): Promise<void> {
  const nc = await connect({ servers: natsUrl.split(",") });
  try {
    const consumer = await jetstream(nc).consumers.get(stream, { filter_subjects: [subjects] });
    if ((await consumer.info()).num_pending === 0) return;
    for await (const message of await consumer.consume({ max_messages: AT_ONCE })) {
      onMessage(message);
      // Not counted down from the start: what leaves the stream meanwhile never comes.
      if (message.info.pending === 0) return;
    }
  } finally {
    await nc.close();
  }
}
