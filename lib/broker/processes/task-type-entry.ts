import { createHash } from "node:crypto";
import { clone, fromBinary, toBinary } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { type TaskType, TaskTypeSchema } from "#gen/millrace/v1/task_type_pb.ts";

const PREFIX = "task-type.";
const DIGEST_CHARS = 12;

/** Every release's entry of every task type. */
export const ALL_TASK_TYPES = `${PREFIX}>`;

/**
 * A release's entry of a task type. Releases that describe the type in different ways have different entries, so that
 * they leave each other's alone. Releases before this one all wrote `task-type.<name>`, which is read, and not written.
 */
export function taskTypeKey(type: TaskType): string {
  return `${PREFIX}${type.name}.${digestOf(type)}`;
}

/** Of all that is announced, but not of when. */
function digestOf(type: TaskType): string {
  const announced = clone(TaskTypeSchema, type);
  delete announced.announceTime;
  const hash = createHash("sha256").update(toBinary(TaskTypeSchema, announced));
  return hash.digest("hex").slice(0, DIGEST_CHARS);
}

export function taskTypeEntry(type: TaskType, nowMs: number): Uint8Array {
  const announced = clone(TaskTypeSchema, type);
  announced.announceTime = timestampFromMs(nowMs);
  return toBinary(TaskTypeSchema, announced);
}

/** Throws for one that can't be read. */
export function readTaskType(value: Uint8Array): TaskType {
  return fromBinary(TaskTypeSchema, value);
}

/** Whether the entry says what belongs under the key: somebody may have changed it by hand. */
export function isEntryOf(key: string, value: Uint8Array): boolean {
  try {
    return taskTypeKey(readTaskType(value)) === key;
  } catch {
    return false;
  }
}
