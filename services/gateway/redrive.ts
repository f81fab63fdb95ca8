import { create } from "@bufbuild/protobuf";
import pLimit from "p-limit";
import {
  type RedriveDeadLettersRequest,
  type TaskFailure,
  TaskFailureSchema,
} from "#gen/millrace/v1/task_service_pb.ts";
import type { Broker } from "#lib/broker/broker.ts";
import { statusOf } from "#lib/rpc/status-of.ts";
import {
  BrokerUnavailable,
  HistoryFull,
  TaskFinished,
  TaskNotFinished,
  TaskNotFound,
} from "#lib/task/errors.ts";
import { isTooOld } from "#lib/task/outlived.ts";
import { findDeadLetters, type Search } from "./dead-letters.ts";
import { type Restart, restart } from "./restart.ts";

const DEFAULT_LIMIT = 100;
const RESTARTS_AT_ONCE = 16;

/** What else comes of the same would be no better. */
const NO_USE_TO_GO_ON = [HistoryFull, BrokerUnavailable];

/** Somebody else was faster: it is no dead letter any more, and there is nothing to do. */
const NO_DEAD_LETTER = [TaskNotFinished, TaskFinished, TaskNotFound];

/** How a dead letter ended. */
type End = Required<Pick<Restart, "taskId" | "endSequence">>;

interface Redriven {
  readonly matched: number;
  readonly more: boolean;
  readonly restarted: number;
  readonly failures: TaskFailure[];
}

/** Starts dead letters again, oldest first; or only counts them. */
export async function redrive(
  broker: Broker,
  { filter, preview, limit: given, requestedBy }: RedriveDeadLettersRequest,
  signal: AbortSignal,
): Promise<Redriven> {
  const limit = given || DEFAULT_LIMIT;
  // What fails again meanwhile is later in the log than the search goes.
  const found = await endsOf(broker, { filter, after: 0, signal }, limit + 1);
  const ends = found.slice(0, limit);
  const counted = { matched: ends.length, more: found.length > limit };
  if (preview) return { ...counted, restarted: 0, failures: [] };
  const restarts = new Restarts(broker, requestedBy);
  await restarts.run(ends, signal);
  return { ...counted, restarted: restarts.restarted, failures: restarts.failures };
}

/** Not of those that are too old: they would take the place of younger ones, and can't be started again. */
async function endsOf(broker: Broker, search: Search, most: number): Promise<End[]> {
  const { scan, clock, historyMs } = broker;
  const ends: End[] = [];
  for await (const { tasks } of findDeadLetters(scan, search)) {
    const young = tasks.filter((task) => !isTooOld(task, { nowMs: clock.nowMs(), historyMs }));
    // Its failure is the last that was heard of it.
    ends.push(...young.map(({ id, sequence }) => ({ taskId: id, endSequence: Number(sequence) })));
    if (ends.length >= most) break;
  }
  return ends.slice(0, most);
}

class Restarts {
  readonly failures: TaskFailure[] = [];
  restarted = 0;
  readonly #broker: Broker;
  readonly #requestedBy: string;
  #noUse = false;

  constructor(broker: Broker, requestedBy: string) {
    this.#broker = broker;
    this.#requestedBy = requestedBy;
  }

  /** Begins with the first, and begins no more once there is no use in it, or when the signal aborts. */
  async run(ends: readonly End[], signal: AbortSignal): Promise<void> {
    await pLimit(RESTARTS_AT_ONCE).map(ends, async (end) => {
      if (!(this.#noUse || signal.aborted)) await this.#restart(end);
    });
  }

  async #restart(end: End): Promise<void> {
    try {
      await restart(this.#broker, { ...end, requestedBy: this.#requestedBy });
      this.restarted += 1;
    } catch (error) {
      if (NO_DEAD_LETTER.some((kind) => error instanceof kind)) return;
      this.#noUse ||= NO_USE_TO_GO_ON.some((kind) => error instanceof kind);
      this.failures.push(create(TaskFailureSchema, { taskId: end.taskId, error: statusOf(error) }));
    }
  }
}
