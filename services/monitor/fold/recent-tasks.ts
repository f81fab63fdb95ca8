import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import {
  type Task,
  type TaskEvent,
  TaskEventSchema,
  TaskSchema,
  TaskSpecSchema,
} from "#gen/millrace/v1/task_pb.ts";
import { foldNewest } from "#lib/task/fold.ts";
import type { TaskRecord } from "./task-record.ts";

const TASKS = 20;
const TYPE_URL_PREFIX = "type.googleapis.com/";

interface Entry {
  readonly record: TaskRecord;
  /** Its spec, or its last state change, which says all that is true of it. */
  readonly change: TaskEvent;
  progress: TaskEvent | undefined;
}

/** The tasks that changed last. */
export class RecentTasks {
  readonly #entries = new Map<string, Entry>();

  changed(record: TaskRecord, change: TaskEvent): void {
    const progress = this.#entries.get(record.id)?.progress;
    this.#entries.delete(record.id);
    this.#entries.set(record.id, { record, change, progress });
    if (this.#entries.size <= TASKS) return;
    const [oldest = ""] = this.#entries.keys();
    this.#entries.delete(oldest);
  }

  progressed(progress: TaskEvent): void {
    const entry = this.#entries.get(progress.taskId);
    if (entry) entry.progress = progress;
  }

  remove(taskId: string): void {
    this.#entries.delete(taskId);
  }

  forget(beforeMs: number): void {
    for (const [id, { record }] of this.#entries) {
      if (record.createdMs < beforeMs) this.#entries.delete(id);
    }
  }

  /** The newest first, without what came in and what went out; of the input, the type's name where it may be said. */
  list(mayName: (type: string) => boolean): readonly Task[] {
    const newestFirst = [...this.#entries.values()].reverse();
    return newestFirst.map((entry) => taskOf(entry, mayName(entry.record.series.type)));
  }
}

/** What the task's own events would say, so far as they are known here. */
function taskOf({ record, change, progress }: Entry, named: boolean): Task {
  const { id, series, priority, timing, createdMs } = record;
  const value = create(TaskSpecSchema, {
    queue: series.queue,
    priority,
    ...timing,
    ...(named && { input: { typeUrl: `${TYPE_URL_PREFIX}${series.type}` } }),
  });
  const state = change.facet.case === "state" ? change : undefined;
  const spec = create(TaskEventSchema, {
    taskId: id,
    // Of a change, that of the spec is only known to be less.
    sequence: state ? 0n : change.sequence,
    time: timestampFromMs(createdMs),
    facet: { case: "spec", value },
  });
  const task = foldNewest({ spec, state, progress });
  const { output: _, ...shown } = task ?? create(TaskSchema, { id });
  return shown;
}
