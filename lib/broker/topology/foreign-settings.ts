import { JetStreamApiCodes } from "@nats-io/jetstream";
import type { Dialed } from "../link/link.ts";
import { orUndefined } from "../link/or-undefined.ts";
import { isUnset, TOLD } from "./unset.ts";

/** Settings of our streams that somebody else has made and that we leave, as `stream: setting`. */
export async function foreignSettings(
  { jsm, names }: Dialed,
  queues: readonly string[],
): Promise<string[]> {
  const { eventsStream, scheduleStream, parkedStream } = names;
  const queueStreams = queues.map((queue) => names.queueStream(queue));
  const streams = [eventsStream, scheduleStream, parkedStream, ...queueStreams];
  const found = streams.map(async (stream) => {
    const info = await orUndefined(jsm.streams.info(stream), JetStreamApiCodes.StreamNotFound);
    const set = TOLD.filter((key) => info && !isUnset(info.config[key]));
    return set.map((key) => `${stream}: ${key}`);
  });
  return (await Promise.all(found)).flat();
}
