import { type JsMsg, jetstream } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";

const AT_ONCE = 5_000;

/** Hands over every message that a stream has of some subjects. */
export async function readStream(
  natsUrl: string,
  { stream, subjects }: { readonly stream: string; readonly subjects: string },
  onMessage: (message: JsMsg) => void,
): Promise<void> {
  const nc = await connect({ servers: natsUrl });
  try {
    const consumer = await jetstream(nc).consumers.get(stream, { filter_subjects: [subjects] });
    let left = (await consumer.info()).num_pending;
    if (left === 0) return;
    for await (const message of await consumer.consume({ max_messages: AT_ONCE })) {
      onMessage(message);
      left -= 1;
      if (left === 0) return;
    }
  } finally {
    await nc.close();
  }
}
