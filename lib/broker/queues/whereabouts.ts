import type { StateChange, TaskEvent } from "#gen/millrace/v1/task_pb.ts";
import type { WaitingTask } from "#gen/millrace/v1/waiting_task_pb.ts";
import { BrokerUnavailable } from "#lib/task/errors.ts";
import type { Link } from "../link/link.ts";
import { streamCreated } from "../link/stream-created.ts";
import { decodeEvent } from "../log/event-codec.ts";
import { readNewest } from "../log/read-batch.ts";
import type { SeenEvent } from "../log/tail.ts";
import type { Facet, Run } from "../names.ts";
import { decodeWaiting, entrySubjects, placeOf } from "./queues.ts";
import { fenceOf, isLeftBehind, waitingAfter } from "./waiting.ts";

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
  async lastChanges(taskIds: readonly string[]): Promise<ReadonlyMap<string, StateChange>> {
    const events = await this.#newest(taskIds, "state");
    return new Map(
      [...events.values()].flatMap(({ taskId, facet }) =>
        facet.case === "state" ? [[taskId, facet.value]] : [],
      ),
    );
  }

  /** The tasks of which these are the last events, as they would lie in their places. A spec is a task's last as long as it has no state. */
  async unchangedSince(events: readonly SeenEvent[]): Promise<WaitingTask[]> {
    const states = await this.#newest(taskIdsOf(events), "state");
    const last = events.filter(({ taskId, sequence }) => {
      const state = states.get(taskId);
      return state === undefined || state.sequence <= sequence;
    });
    const specs = await this.#newest(taskIdsOf(last), "spec");
    return last.flatMap(({ taskId }) => {
      const spec = specs.get(taskId);
      const state = states.get(taskId);
      // A state that is older than the spec is of a task that had the id before.
      const newest = state && spec && state.sequence > spec.sequence ? state : spec;
      return (spec && newest && waitingAfter(spec, newest)) ?? [];
    });
  }

  async #newest(taskIds: readonly string[], facet: Facet): Promise<ReadonlyMap<string, TaskEvent>> {
    const subjects = taskIds.map((taskId) => this.#link.names.eventSubject(taskId, facet));
    const found = await readNewest(this.#link.use(), subjects);
    const events = found.map(decodeEvent).filter((event) => event !== undefined);
    return new Map(events.map((event) => [event.taskId, event]));
  }

  /** Whether the run waits in the schedule, to be put into its queue later. */
  async isPlanned(run: Run): Promise<boolean> {
    const { names } = this.#link;
    const subjects = [names.scheduleSubject(run)];
    const found = await readNewest(this.#link.use(), subjects, names.scheduleStream);
    return found.length > 0;
  }

  /** Looks for each of the tasks in the schedule and in its queue. */
  async missing(tasks: readonly WaitingTask[]): Promise<Missing> {
    const { names } = this.#link;
    // In the order in which tasks move, so that one that moves meanwhile is seen at least once.
    const unplanned = await this.#notIn(names.scheduleStream, tasks, (task) => {
      const { queue, level } = placeOf(task);
      const { taskId } = task;
      const due = names.dueSubject(queue, level, taskId);
      return [names.scheduleSubject(fenceOf(task)), names.oldScheduleSubject(taskId), due];
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
    const stream = connected.names.queueStream(queue);
    try {
      return await this.#notIn(stream, tasks, (task) => entrySubjects(connected.names, task));
    } catch (error) {
      const isGone =
        error instanceof BrokerUnavailable &&
        (await streamCreated(connected, stream)) === undefined;
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
    const entries = new Map(found.map(({ subject, data }) => [subject, data]));
    const isThere = (task: WaitingTask) => (subject: string) => {
      const data = entries.get(subject);
      const entry = data && decodeWaiting(data, task.taskId);
      // What can't be read leads to the log, where the task is.
      return data !== undefined && (!entry || !isLeftBehind(entry, task));
    };
    return tasks.filter((task) => !subjectsOf(task).some(isThere(task)));
  }
}

function taskIdsOf(events: readonly Pick<SeenEvent, "taskId">[]): string[] {
  return events.map(({ taskId }) => taskId);
}
