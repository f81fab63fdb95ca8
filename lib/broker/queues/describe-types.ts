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

/** The types of which tasks wait in the queue though no live worker takes them from there, with how many wait. */
export function unservedTypes(
  queue: string,
  { types }: Pick<DepthByType, "types">,
  workers: LiveWorkers,
): ReadonlyMap<string, number> {
  if (!workers.isComplete) return new Map();
  const unserved = [...types].filter(
    ([type, { waiting }]) => waiting > 0 && workers.servingFrom(queue, type).length === 0,
  );
  return new Map(unserved.map(([type, { waiting }]) => [type, waiting]));
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
    const seenMs = lastSeenMs(name);
    return create(QueueTypeSchema, {
      name,
      waiting: BigInt(waiting),
      inFlight: BigInt(inFlight),
      ...(ageMs !== undefined && { oldestWaitingAge: durationFromMs(ageMs) }),
      unserved: unserved.has(name),
      ...(seenMs !== undefined && { lastSeenTime: timestampFromMs(seenMs) }),
    });
  });
  return described.sort((a, b) => a.name.localeCompare(b.name));
}

export function countUnserved(types: readonly QueueType[]): bigint {
  return types.reduce((sum, { unserved, waiting }) => sum + (unserved ? waiting : 0n), 0n);
}
