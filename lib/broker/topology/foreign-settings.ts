import { JetStreamApiCodes, type JetStreamManager } from "@nats-io/jetstream";
import { orUndefined } from "../link/or-undefined.ts";
import { EVENTS_STREAM, PARKED_STREAM, queueStream, SCHEDULE_STREAM } from "../names.ts";
import { isUnset, TOLD } from "./unset.ts";

/** Settings of our streams that somebody else has made and that we leave, as `stream: setting`. */
export async function foreignSettings(
  jsm: JetStreamManager,
  queues: readonly string[],
): Promise<string[]> {
  const streams = [EVENTS_STREAM, SCHEDULE_STREAM, PARKED_STREAM, ...queues.map(queueStream)];
  const found = streams.map(async (stream) => {
    const info = await orUndefined(jsm.streams.info(stream), JetStreamApiCodes.StreamNotFound);
    const set = TOLD.filter((key) => info && !isUnset(info.config[key]));
    return set.map((key) => `${stream}: ${key}`);
  });
  return (await Promise.all(found)).flat();
}
