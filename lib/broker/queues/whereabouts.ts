import type { StateChange } from "#gen/millrace/v1/task_pb.ts";
import type { WaitingTask } from "#gen/millrace/v1/waiting_task_pb.ts";
import { BrokerAway } from "#lib/task/errors.ts";
import type { Link } from "../link/link.ts";
import { streamCreated } from "../link/stream-created.ts";
import { decodeEvent } from "../log/event-codec.ts";
import { readNewest } from "../log/read-batch.ts";
import {
  dueSubject,
  eventSubject,
  queueStream,
  queueSubject,
  SCHEDULE_STREAM,
  scheduleSubject,
  taskIdOf,
} from "../names.ts";
import { placeOf } from "./queues.ts";

/** Tasks that wait nowhere. */
export interface Missing {
  readonly nowhere: WaitingTask[];
  /** Theirs is no queue any more. */
  readonly queueGone: WaitingTask[];
}

/**
 * Where many tasks are, by few requests. The answers may be stale, for any replica gives them: whoever acts on one asks
 * the log first.
 */
export class Whereabouts {
  readonly #link: Link;

  constructor(link: Link) {
    this.#link = link;
  }

  /** The last state change of each of the tasks that have one. */
  async lastChanges(tasks: readonly WaitingTask[]): Promise<ReadonlyMap<string, StateChange>> {
    const subjects = tasks.map(({ taskId }) => eventSubject(taskId, "state"));
    const found = await readNewest(this.#link.use(), subjects);
    const events = found.map(decodeEvent).filter((event) => event !== undefined);
    return new Map(
      events.flatMap(({ taskId, facet }) =>
        facet.case === "state" ? [[taskId, facet.value]] : [],
      ),
    );
  }

  /** Looks for each of the tasks in the schedule and in its queue. */
  async missing(tasks: readonly WaitingTask[]): Promise<Missing> {
    // In the order in which tasks move, so that one that moves meanwhile is seen at least once.
    const unplanned = await this.#notIn(SCHEDULE_STREAM, tasks, (task) => {
      const { queue, level } = placeOf(task);
      return [scheduleSubject(task.taskId), dueSubject(queue, level, task.taskId)];
    });
    const queues = Map.groupBy(unplanned, (task) => placeOf(task).queue);
    const missing: Missing = { nowhere: [], queueGone: [] };
    for (const [queue, some] of queues) {
      const found = await this.#notInQueue(queue, some);
      if (found) missing.nowhere.push(...found);
      else missing.queueGone.push(...some);
    }
    return missing;
  }

  /** Undefined if there is no such queue. */
  async #notInQueue(
    queue: string,
    tasks: readonly WaitingTask[],
  ): Promise<WaitingTask[] | undefined> {
    const connected = this.#link.use();
    const stream = queueStream(queue);
    try {
      return await this.#notIn(stream, tasks, (task) => [
        queueSubject(queue, placeOf(task).level, task.taskId),
      ]);
    } catch (error) {
      const isGone =
        error instanceof BrokerAway && (await streamCreated(connected, stream)) === undefined;
      if (isGone) return undefined;
      throw error;
    }
  }

  async #notIn(
    stream: string,
    tasks: readonly WaitingTask[],
    subjectsOf: (task: WaitingTask) => string[],
  ): Promise<WaitingTask[]> {
    if (tasks.length === 0) return [];
    const found = await readNewest(this.#link.use(), tasks.flatMap(subjectsOf), stream);
    const there = new Set(found.map(({ subject }) => taskIdOf(subject)));
    return tasks.filter(({ taskId }) => !there.has(taskId));
  }
}
