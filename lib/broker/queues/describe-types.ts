import { create } from "@bufbuild/protobuf";
import { durationFromMs, timestampFromMs } from "@bufbuild/protobuf/wkt";
import { type QueueType, QueueTypeSchema } from "#gen/millrace/v1/queue_service_pb.ts";
import type { LiveWorkers } from "../processes/live-workers.ts";
import type { QueueDepth } from "./queue-figures.ts";

/** A queue by the types of its tasks. */
export interface DepthByType {
  readonly types: ReadonlyMap<string, QueueDepth>;
  /** How long the oldest one of each has waited. */
  readonly oldestMs: ReadonlyMap<string, number>;
}

/**
 * The types of which tasks wait in the queue though no live worker takes them from there, with how many wait. The broker
 * counts as on loan what a worker was given that is gone since, or that had no slot for it, until another one comes.
 */
export function unservedTypes(
  queue: string,
  { types }: Pick<DepthByType, "types">,
  workers: LiveWorkers,
): ReadonlyMap<string, number> {
  if (!workers.isComplete) return new Map();
  const unserved = [...types].flatMap(([type, { waiting, inFlight }]) => {
    if (workers.servingFrom(queue, type).length > 0) return [];
    const held = Math.min(inFlight, workers.heldWhileLeaving(queue, type));
    const tasks = waiting + inFlight - held;
    return tasks > 0 ? [[type, tasks] as const] : [];
  });
  return new Map(unserved);
}

/** Whether nobody can have a task of the type that a worker was given of the queue. */
export function isLeft(queue: string, type: string, workers: LiveWorkers): boolean {
  const isServed = workers.servingFrom(queue, type).length > 0;
  return workers.isComplete && !isServed && workers.heldWhileLeaving(queue, type) === 0;
}

/** How many tasks of the queue wait in all, when those of unserved types do that a worker was given and has no more. */
export function depthOf(
  queue: string,
  { waiting, inFlight, types }: QueueDepth & Pick<DepthByType, "types">,
  workers: LiveWorkers,
): QueueDepth {
  const unserved = unservedTypes(queue, { types }, workers);
  const left = [...unserved].map(([type, tasks]) => tasks - (types.get(type)?.waiting ?? 0));
  const given = left.reduce((sum, tasks) => sum + tasks, 0);
  return { waiting: waiting + given, inFlight: inFlight - given };
}

interface Known extends DepthByType {
  readonly workers: LiveWorkers;
  /** When a worker that serves the type was last seen. */
  readonly lastSeenMs: (type: string) => number | undefined;
}

/** The same for callers, sorted by name. */
export function describeTypes(queue: string, known: Known): QueueType[] {
  const { types, oldestMs, workers, lastSeenMs } = known;
  const unserved = unservedTypes(queue, known, workers);
  const described = [...types].map(([name, { waiting, inFlight }]) => {
    const ageMs = oldestMs.get(name);
    const waits = unserved.get(name) ?? waiting;
    const seenMs = lastSeenMs(name);
    return create(QueueTypeSchema, {
      name,
      waiting: BigInt(waits),
      inFlight: BigInt(waiting + inFlight - waits),
      ...(ageMs !== undefined && { oldestWaitingAge: durationFromMs(ageMs) }),
      unserved: unserved.has(name),
      servedElsewhere: unserved.has(name) && workers.serving(name).length > 0,
      ...(seenMs !== undefined && { lastSeenTime: timestampFromMs(seenMs) }),
    });
  });
  return described.sort((a, b) => a.name.localeCompare(b.name));
}

export function countUnserved(types: readonly QueueType[]): bigint {
  return types.reduce((sum, { unserved, waiting }) => sum + (unserved ? waiting : 0n), 0n);
}
