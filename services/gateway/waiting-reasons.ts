import { type Task, TaskState } from "#gen/millrace/v1/task_pb.ts";
import type { Broker } from "#lib/broker/broker.ts";
import type { QueueFigures } from "#lib/broker/queues/queue-figures.ts";
import { typeNameOf } from "#lib/task/task-type.ts";
import {
  isWaiting,
  queueNameOf,
  type WaitingFacts,
  waitingReason,
} from "#lib/task/waiting-reason.ts";
import type { KnownTaskTypes } from "./known-task-types.ts";
import type { QueueOverseer } from "./queue-overseer.ts";

/** An entry of a queue takes no more than that. */
const ENTRY_BYTES = 128 * 1024;

interface Sources {
  readonly broker: Broker;
  readonly types: KnownTaskTypes;
  readonly overseer: QueueOverseer;
}

type FactsOfWorkers = Pick<WaitingFacts, "nowMs" | "workers" | "isServedElsewhere" | "lastSeenMs">;

/** Finds out why tasks wait. Nothing depends on it: what can't be found out now is left open. */
export class WaitingReasons {
  readonly #broker: Broker;
  readonly #types: KnownTaskTypes;
  readonly #overseer: QueueOverseer;

  constructor({ broker, types, overseer }: Sources) {
    this.#broker = broker;
    this.#types = types;
    this.#overseer = overseer;
  }

  /** The task, with the reason if it waits. */
  async explain(task: Task): Promise<Task> {
    const isWorkerGone = this.#isWorkerGone(task);
    if (!isWaiting(task, { isWorkerGone })) return task;
    const figures = await this.#overseer.recent(queueNameOf(task)).catch(() => undefined);
    const waitsForRoom =
      figures !== undefined && isFull(figures) && (await this.#isPlanned(task).catch(() => false));
    return this.#with(task, { pause: figures?.settings.pause, waitsForRoom, isWorkerGone });
  }

  /** The same by what is known anyway, for answers that must not wait. */
  explainNow(task: Task): Task {
    const pause = this.#overseer.last(queueNameOf(task))?.settings.pause;
    return this.#with(task, { pause, waitsForRoom: false, isWorkerGone: this.#isWorkerGone(task) });
  }

  #with(task: Task, found: Omit<WaitingFacts, keyof FactsOfWorkers>): Task {
    const reason = waitingReason(task, { ...found, ...this.#ofWorkers(task) });
    return reason ? { ...task, waitingReason: reason } : task;
  }

  #ofWorkers(task: Task): FactsOfWorkers {
    const { liveWorkers, clock } = this.#broker;
    const type = typeNameOf(task.spec?.input);
    const workers = liveWorkers.servingFrom(queueNameOf(task), type);
    return {
      nowMs: clock.nowMs(),
      workers: liveWorkers.isComplete || workers.length > 0 ? workers : undefined,
      isServedElsewhere: liveWorkers.serving(type).length > 0,
      lastSeenMs: lastSeenMs(type, this.#broker, this.#types),
    };
  }

  #isWorkerGone({ state, workerId }: Task): boolean {
    const { liveWorkers } = this.#broker;
    return state === TaskState.RUNNING && liveWorkers.isComplete && !liveWorkers.isAlive(workerId);
  }

  /** Only what waits for room is planned although its time has come. */
  async #isPlanned({ id }: Task): Promise<boolean> {
    const standing = await this.#broker.log.read(id);
    return standing !== undefined && this.#broker.whereabouts.isPlanned(standing.fence);
  }
}

/** When a worker that serves the type was last seen: by what it has said, or by what has been heard of it here. */
export function lastSeenMs(
  type: string,
  { liveWorkers, clock }: Broker,
  types: KnownTaskTypes,
): number | undefined {
  const silentMs = liveWorkers.silentMs(type);
  const heardMs = silentMs === undefined ? 0 : clock.nowMs() - silentMs;
  return Math.max(heardMs, types.lastSeenMs(type) ?? 0) || undefined;
}

function isFull({ waiting, inFlight, maxTasks, bytes, maxBytes }: QueueFigures): boolean {
  const hasBytes = maxBytes === 0 || bytes + ENTRY_BYTES <= maxBytes;
  return waiting + inFlight >= maxTasks || !hasBytes;
}
