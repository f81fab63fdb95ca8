import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { timestampDate, timestampFromMs, timestampMs } from "@bufbuild/protobuf/wkt";
import type { Pause } from "#gen/millrace/v1/queue_service_pb.ts";
import {
  type Task,
  TaskState,
  type WaitingReason,
  WaitingReason_Reason,
  WaitingReasonSchema,
} from "#gen/millrace/v1/task_pb.ts";
import { DEFAULT_QUEUE } from "./limits.ts";
import { typeNameOf } from "./task-type.ts";

const { SCHEDULED, QUEUED, RETRYING, RUNNING } = TaskState;
const { NO_WORKER, QUEUE_PAUSED, QUEUE_FULL, SLOTS_BUSY, START_TIME, RETRY_TIME } =
  WaitingReason_Reason;

/** What a live worker says of its slots. */
interface Capacity {
  readonly running: number;
  readonly concurrency: number;
}

/** What is known, beside the task itself, of why it may wait. */
export interface WaitingFacts {
  readonly nowMs: number;
  /** The live workers that serve its type from its queue. Undefined: there may be others, not heard yet. */
  readonly workers: readonly Capacity[] | undefined;
  /** Live workers serve its type, if perhaps from other queues. */
  readonly isServedElsewhere: boolean;
  /** When a worker that serves its type was last seen. Undefined: none is remembered. */
  readonly lastSeenMs: number | undefined;
  /** Set: its queue is paused. */
  readonly pause: Pause | undefined;
  /** Its queue has refused it, for it was full; it is to be put there later. */
  readonly waitsForRoom: boolean;
  /** It runs, by the log, at a worker that shows no sign of life. */
  readonly isWorkerGone: boolean;
}

type Reason = MessageInitShape<typeof WaitingReasonSchema>;

/** Whether the task waits for something. One whose worker died does, though it has not been said to run no more. */
export function isWaiting({ state }: Task, { isWorkerGone }: Pick<WaitingFacts, "isWorkerGone">) {
  if (state === RUNNING) return isWorkerGone;
  return state === SCHEDULED || state === QUEUED || state === RETRYING;
}

/** Why the task waits; undefined if it does not, or if nothing is known that would keep it. */
export function waitingReason(task: Task, facts: WaitingFacts): WaitingReason | undefined {
  if (!isWaiting(task, facts)) return undefined;
  const reason =
    untilItsTime(task, facts) ??
    withoutWorker(task, facts) ??
    inPausedQueue(task, facts) ??
    outsideFullQueue(task, facts) ??
    behindOthers(facts);
  return reason && create(WaitingReasonSchema, reason);
}

export function queueNameOf({ spec }: Task): string {
  return spec?.queue || DEFAULT_QUEUE;
}

function untilItsTime(task: Task, { nowMs }: WaitingFacts): Reason | undefined {
  const { nextAttemptTime: until, state, attempt } = task;
  if (!until || timestampMs(until) <= nowMs) return undefined;
  const time = timestampDate(until).toISOString();
  return state === RETRYING
    ? { reason: RETRY_TIME, until, description: `attempt ${attempt + 1} starts at ${time}` }
    : { reason: START_TIME, until, description: `starts at ${time}` };
}

function withoutWorker(task: Task, facts: WaitingFacts): Reason | undefined {
  const { workers, isServedElsewhere, lastSeenMs, nowMs } = facts;
  if (workers === undefined || workers.length > 0) return undefined;
  const nobody = `no live worker serves ${typeNameOf(task.spec?.input)}`;
  if (isServedElsewhere) {
    return { reason: NO_WORKER, description: `${nobody} from queue ${queueNameOf(task)}` };
  }
  if (lastSeenMs === undefined) return { reason: NO_WORKER, description: nobody };
  const description = `${nobody}; last seen ${shownAge(nowMs - lastSeenMs)} ago`;
  return { reason: NO_WORKER, description, lastSeenTime: timestampFromMs(lastSeenMs) };
}

function inPausedQueue(task: Task, { pause }: WaitingFacts): Reason | undefined {
  if (!pause) return undefined;
  const by = pause.requestedBy === "" ? "" : ` by ${pause.requestedBy}`;
  const why = pause.reason === "" ? "" : `: ${pause.reason}`;
  return { reason: QUEUE_PAUSED, description: `queue ${queueNameOf(task)} is paused${by}${why}` };
}

function outsideFullQueue(task: Task, { waitsForRoom }: WaitingFacts): Reason | undefined {
  if (!waitsForRoom) return undefined;
  const description = `queue ${queueNameOf(task)} is full; it gets a place when there is one`;
  return { reason: QUEUE_FULL, description };
}

function behindOthers({ workers = [] }: WaitingFacts): Reason | undefined {
  const isBusy = ({ running, concurrency }: Capacity) => running >= concurrency;
  if (workers.length === 0 || !workers.every(isBusy)) return undefined;
  const slots = workers.reduce((sum, { concurrency }) => sum + concurrency, 0);
  const those = workers.length === 1 ? "worker that serves it is" : "workers that serve it are";
  return { reason: SLOTS_BUSY, description: `the ${those} busy (${slots} of ${slots} slots)` };
}

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

/** In one unit, rounded down: "11 min". */
function shownAge(ms: number): string {
  if (ms >= 2 * DAY_MS) return `${Math.floor(ms / DAY_MS)} days`;
  if (ms >= 2 * HOUR_MS) return `${Math.floor(ms / HOUR_MS)} h`;
  if (ms >= 2 * MINUTE_MS) return `${Math.floor(ms / MINUTE_MS)} min`;
  return `${Math.max(0, Math.floor(ms / 1_000))} s`;
}
