import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import { type Progress, type TaskEvent, TaskEventSchema } from "#gen/millrace/v1/task_pb.ts";
import { taskIdOf } from "../names.ts";

/** A message of the log, however it was read. */
export interface StoredEvent {
  readonly subject: string;
  readonly seq: number;
  readonly time: Date;
  readonly data: Uint8Array;
}

/** Only what was said is stored: task, sequence and time are the message's own. */
export function encodeEvent(facet: TaskEvent["facet"], reports: Progress[] = []): Uint8Array {
  return toBinary(TaskEventSchema, create(TaskEventSchema, { facet, reports }));
}

/** Undefined for bytes that are no event of ours: one bad message must not end every watch. */
export function decodeEvent(stored: StoredEvent): TaskEvent | undefined {
  try {
    const event = fromBinary(TaskEventSchema, stored.data);
    return Object.assign(event, {
      taskId: taskIdOf(stored.subject),
      sequence: BigInt(stored.seq),
      time: timestampFromDate(stored.time),
    });
  } catch {
    return undefined;
  }
}
