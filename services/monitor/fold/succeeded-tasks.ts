import { TaskState } from "#gen/millrace/v1/task_pb.ts";
import { IdTable } from "./id-table.ts";
import type { Series } from "./series.ts";
import type { TaskRecord } from "./task-record.ts";

const MINUTE_MS = 60_000;

/** The tasks of one series that were accepted in one minute and have succeeded. */
interface Group {
  readonly number: number;
  readonly series: Series;
  tasks: number;
}

/**
 * The tasks that have succeeded, only counted, by the minute of their acceptance: nothing more can happen to them than
 * to be deleted or forgotten. Of each, no more is known than the group where it counts, and which one of its id it is.
 */
export class SucceededTasks {
  readonly #minutes = new Map<number, Map<Series, Group>>();
  readonly #groups = new Map<number, Group>();
  readonly #groupOf = new IdTable((number) => this.#groups.has(number));
  #oldest = Number.POSITIVE_INFINITY;
  #lastNumber = 0;

  add({ id, sequence, series, createdMs }: TaskRecord): void {
    const minute = Math.floor(createdMs / MINUTE_MS);
    this.#oldest = Math.min(this.#oldest, minute);
    const ofMinute = this.#minutes.get(minute) ?? new Map<Series, Group>();
    this.#minutes.set(minute, ofMinute);
    const group = ofMinute.get(series) ?? this.#begin(ofMinute, series);
    group.tasks += 1;
    this.#groupOf.set(id, group.number, sequence);
  }

  /** Whether the task of this id was accepted after that. */
  isAfter(taskId: string, sequence: number): boolean {
    return this.#groupOf.isAfter(taskId, sequence);
  }

  /** Takes one that was deleted out of the counts of its series. No harm if it was forgotten, or never known. */
  remove(taskId: string): void {
    const group = this.#groups.get(this.#groupOf.get(taskId) ?? 0);
    if (!group) return;
    this.#groupOf.delete(taskId);
    group.tasks -= 1;
    group.series.tasks.add(TaskState.SUCCEEDED, -1);
  }

  /** Takes those of before the time out of the counts of their series, by whole minutes. */
  forget(beforeMs: number): void {
    const before = Math.floor(beforeMs / MINUTE_MS);
    for (; this.#oldest < before && this.#minutes.size > 0; this.#oldest += 1) {
      for (const group of this.#minutes.get(this.#oldest)?.values() ?? []) {
        group.series.tasks.add(TaskState.SUCCEEDED, -group.tasks);
        this.#groups.delete(group.number);
      }
      this.#minutes.delete(this.#oldest);
    }
    if (this.#minutes.size === 0) this.#oldest = Number.POSITIVE_INFINITY;
  }

  #begin(ofMinute: Map<Series, Group>, series: Series): Group {
    this.#lastNumber += 1;
    const group = { number: this.#lastNumber, series, tasks: 0 };
    ofMinute.set(series, group);
    this.#groups.set(group.number, group);
    return group;
  }
}
