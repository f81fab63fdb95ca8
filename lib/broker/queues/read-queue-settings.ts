import { create, fromBinary } from "@bufbuild/protobuf";
import { JetStreamApiCodes } from "@nats-io/jetstream";
import { type QueueSettings, QueueSettingsSchema } from "#gen/millrace/v1/queue_service_pb.ts";
import type { Dialed } from "../link/link.ts";
import { orUndefined } from "../link/or-undefined.ts";

export interface StoredSettings {
  readonly settings: QueueSettings;
  /** What the next change must find; 0 = nothing was ever set. */
  readonly revision: number;
}

/** What operators have set for the queue, as the leader has it: what any replica may say can be out of date. */
export async function readQueueSettings(
  { jsm, names }: Dialed,
  queue: string,
): Promise<StoredSettings> {
  const query = { last_by_subj: names.queueSettingsSubject(queue) };
  const stored = await orUndefined(
    jsm.streams.getMessage(names.configStream, query),
    JetStreamApiCodes.StreamNotFound,
  );
  return { settings: decoded(stored?.data ?? new Uint8Array()), revision: stored?.seq ?? 0 };
}

/** Bytes that somebody has put there by hand must not keep every service from starting. */
function decoded(data: Uint8Array): QueueSettings {
  try {
    return fromBinary(QueueSettingsSchema, data);
  } catch {
    return create(QueueSettingsSchema);
  }
}
