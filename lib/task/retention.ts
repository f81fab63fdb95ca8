import { type Duration, durationFromMs, durationMs, timestampMs } from "@bufbuild/protobuf/wkt";
import { type TaskEvent, type TaskSpec, TaskState } from "#gen/millrace/v1/task_pb.ts";
import { isTerminal } from "./life.ts";

/** How much of the log is taken: its bytes, or its events where these are limited too. */
export interface Usage {
  readonly bytes: number;
  /** 0 or less: not limited. */
  readonly maxBytes: number;
  readonly events: number;
  /** 0 or less: not limited. */
  readonly maxEvents: number;
}

/** Shares of the log. Above the first one it is told; above the second one tasks leave, until the third is reached. */
const FILLING = 0.75;
const NEARLY_FULL = 0.8;
export const ROOM_AGAIN = 0.7;

/**
 * New tasks are refused above this share: what is left is for the state changes of those that were accepted, without which
 * none of them could end, and leave.
 */
const FULL_FOR_NEW = 0.9;

/** Whether the log has room for a new task of so many bytes. */
export function hasRoomForNew(usage: Usage, bytes: number): boolean {
  return (
    shareTaken({ ...usage, bytes: usage.bytes + bytes, events: usage.events + 1 }) <= FULL_FOR_NEW
  );
}

/** Share of the log that is taken, from 0 to 1. */
export function shareTaken({ bytes, maxBytes, events, maxEvents }: Usage): number {
  const ofBytes = maxBytes > 0 ? bytes / maxBytes : 0;
  const ofEvents = maxEvents > 0 ? events / maxEvents : 0;
  return Math.max(ofBytes, ofEvents);
}

/** How full the log is: whether it is to be told, and whether tasks leave it before their time. */
export type FillLevel = "roomy" | "filling" | "nearly full";

export function fillLevelOf(usage: Usage): FillLevel {
  const share = shareTaken(usage);
  if (share > NEARLY_FULL) return "nearly full";
  return share > FILLING ? "filling" : "roomy";
}

/**
 * How long a task is to be kept once it has ended, to be stored with its spec: what it says itself, else what its type
 * says. Undefined: as long as the history is kept.
 */
export function keptFor(
  asked: Pick<TaskSpec, "keepFor">,
  type: { readonly keepFor?: Duration | undefined } | undefined,
  historyMs: number,
): Duration | undefined {
  if (asked.keepFor) return asked.keepFor;
  const ofType = type?.keepFor && durationMs(type.keepFor);
  return ofType === undefined || ofType >= historyMs ? undefined : durationFromMs(ofType);
}

/** What is known of a task from its spec and its last state change, which must be of the spec's task. */
export interface Kept {
  readonly spec: TaskEvent;
  readonly last: TaskEvent | undefined;
}

/** What may become of a task: `final` ones have ended for good, `dead letters` and the others may be started again. */
export type Standing = "open" | "final" | "restartable" | "dead letter";

export function standingOf(last: TaskEvent | undefined): Standing {
  if (last?.facet.case !== "state" || !isTerminal(last.facet.value.state)) return "open";
  if (last.facet.value.state === TaskState.SUCCEEDED) return "final";
  return last.facet.value.state === TaskState.FAILED ? "dead letter" : "restartable";
}

/**
 * When a task leaves because its keep_for is over; while it has not ended, the earliest time at which that may be.
 * Undefined: it has none.
 */
export function leavesAtMs({ spec, last }: Kept, nowMs: number): number | undefined {
  if (spec.facet.case !== "spec" || !spec.facet.value.keepFor) return undefined;
  const keepForMs = durationMs(spec.facet.value.keepFor);
  if (standingOf(last) === "open") return nowMs + keepForMs;
  return (last?.time ? timestampMs(last.time) : nowMs) + keepForMs;
}
