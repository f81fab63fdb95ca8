import { create } from "@bufbuild/protobuf";
import type { Task, TaskEvent, TaskSpec } from "#gen/millrace/v1/task_pb.ts";
import { type DeadLetterFilter, DeadLetterFilterSchema } from "#gen/millrace/v1/task_service_pb.ts";
import type { LogScan } from "#lib/broker/log/log-scan.ts";
import { SequenceUnknown } from "#lib/task/errors.ts";
import { foldNewest } from "#lib/task/fold.ts";
import { type Filter, failedSo, isSuch } from "./dead-letter-filter.ts";

/** Tasks whose specs are read at once; each may have 64 KiB. */
const READ_AT_ONCE = 64;

/** What one look into the log has found. */
export interface Look {
  /** In the order in which they failed. The sequence of each is that of its failure. */
  readonly tasks: readonly Task[];
  /** After those before it, the log was looked through up to here. */
  readonly upTo?: number;
  /** Events that were looked at for that. */
  readonly read?: number;
}

export interface Search {
  readonly filter: DeadLetterFilter | undefined;
  /** Only failures later than this sequence. */
  readonly after: number;
  readonly signal: AbortSignal;
}

/**
 * Looks through the log for tasks that have failed for good and were neither started again nor deleted. Each look is
 * bounded, so that whoever asks may stop.
 */
export async function* findDeadLetters(scan: LogScan, search: Search): AsyncGenerator<Look> {
  const { after, signal } = search;
  const filter = search.filter ?? create(DeadLetterFilterSchema);
  const head = await scan.head();
  if (after > head) throw new SequenceUnknown(after, head);
  const isWanted = (event: TaskEvent) => failedSo(event, filter);
  const sought = { facet: "state", after, head, isWanted, signal } as const;
  for await (const { picked, upTo, read } of scan.events(sought)) {
    for (let at = 0; at < picked.length; at += READ_AT_ONCE) {
      const tasks = await stillDead(scan, picked.slice(at, at + READ_AT_ONCE), filter);
      if (tasks.length > 0) yield { tasks };
    }
    yield { tasks: [], upTo, read };
  }
}

async function stillDead(
  scan: LogScan,
  failures: readonly TaskEvent[],
  filter: Filter,
): Promise<Task[]> {
  const ids = failures.map(({ taskId }) => taskId);
  const newest = await scan.newest(ids, ["spec", "state", "progress"]);
  return failures.flatMap((failure) => {
    const task = deadLetterOf(failure, newest.get(failure.taskId) ?? []);
    return task && isSuch(task.spec, filter) ? [task] : [];
  });
}

/** Undefined if the task has moved on since it failed, or is not there any more. */
function deadLetterOf(
  failure: TaskEvent,
  newest: readonly TaskEvent[],
): (Task & { spec: TaskSpec }) | undefined {
  const of = (facet: TaskEvent["facet"]["case"]) =>
    newest.find((event) => event.facet.case === facet);
  const [spec, state, progress] = [of("spec"), of("state"), of("progress")];
  if (!spec || (state && state.sequence > failure.sequence)) return undefined;
  // What is older than its spec is of an earlier task with the same id, whose own has left the log.
  if (spec.sequence > failure.sequence) return undefined;
  const task = foldNewest({ spec, state: failure, progress });
  return task?.spec && { ...task, spec: task.spec, sequence: failure.sequence };
}
