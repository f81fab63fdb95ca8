import pLimit from "p-limit";
import type { TaskEvent } from "#gen/millrace/v1/task_pb.ts";
import type { Broker } from "#lib/broker/broker.ts";
import { deleteTask } from "#lib/task/next-state.ts";
import { standingOf } from "#lib/task/retention.ts";

/** What an attempt writes beside the states and its checkpoints, what takes most room first. Not every task has any. */
export const NOTES = ["output", "log", "progress"] as const;

/** Each takes a few questions to the broker, under way at the same time. */
const REMOVED_AT_ONCE = 512;
const AT_ONCE = 16;

/** A task that has ended, by its terminal event. */
export interface Ended {
  readonly specSequence: number;
  readonly end: TaskEvent;
  /** Sequences of all its events but the spec, up to its end; undefined: they have to be asked for. */
  readonly sequences?: readonly number[];
}

/**
 * Takes tasks that have ended out of the log, and says which have left. One that has succeeded has ended for good, so what is
 * written of it up to its end can go. Any other one may be started again at the same moment. So a mark comes first, by
 * compare-and-set, as when a caller deletes it: either it leaves, or it runs with its whole history.
 */
export async function removeEnded(
  broker: Broker,
  ended: readonly Ended[],
): Promise<readonly string[]> {
  const final = ended.filter(({ end }) => standingOf(end) === "final");
  const others = ended.filter(({ end }) => standingOf(end) !== "final");
  await removeFinal(broker, final);
  const left = await pLimit(AT_ONCE).map(others, (one) => markAndForget(broker, one));
  const gone = [...final, ...others.filter((_, index) => left[index])];
  return gone.map(({ end }) => end.taskId);
}

async function removeFinal(broker: Broker, ended: readonly Ended[]): Promise<void> {
  if (ended.length === 0) return;
  const facets = await facetsOf(
    broker,
    ended.filter(({ sequences }) => sequences === undefined),
  );
  const runs = ended.map((one) => ({
    taskId: one.end.taskId,
    specSequence: one.specSequence,
    endSequence: sequenceOf(one),
    rest: one.sequences
      ? { sequences: one.sequences }
      : ([...(facets.get(one.end.taskId) ?? []), "state"] as const),
  }));
  broker.departures.tell({
    taskIds: runs.map(({ taskId }) => taskId),
    sequences: runs.map(({ endSequence }) => endSequence),
    sequence: Math.max(...runs.map(({ endSequence }) => endSequence)),
  });
  for (let at = 0; at < runs.length; at += REMOVED_AT_ONCE) {
    await broker.log.removeRuns(runs.slice(at, at + REMOVED_AT_ONCE));
  }
}

/** Which facets the tasks have besides their specs and states. */
async function facetsOf(broker: Broker, ended: readonly Ended[]) {
  const ids = ended.map(({ end }) => end.taskId);
  const newest = await broker.scan.newest(ids, [...NOTES, "checkpoint"]);
  return new Map(
    [...newest].map(([id, events]) => [
      id,
      events.map(({ facet }) => facet.case).filter((facet) => facet !== undefined),
    ]),
  );
}

/** False if the task was started again, or is gone: then this end is not its last word. */
async function markAndForget(broker: Broker, ended: Ended): Promise<boolean> {
  const { taskId } = ended.end;
  const standing = await broker.log.read(taskId);
  if (!standing?.last || standing.fence.stateSequence !== sequenceOf(ended)) return false;
  const mark = deleteTask(standing.last);
  const marked = await broker.log.append(standing.fence, mark);
  if (marked.kind === "conflict") return false;
  await broker.log.forget(taskId, marked.sequence);
  return true;
}

function sequenceOf({ end }: Ended): number {
  return Number(end.sequence);
}
