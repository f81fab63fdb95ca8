import { timestampMs } from "@bufbuild/protobuf/wkt";
import type { TaskType } from "#gen/millrace/v1/task_type_pb.ts";

/** What the workers of one release say of a task type. */
export interface Announcement {
  readonly type: TaskType;
  /** When one of them said so last. */
  readonly seenMs: number;
}

/** A task type as all of its releases announce it. */
export interface AnnouncedType {
  /** The release that counts: of those at work, the one that was announced last. */
  readonly newest: Announcement;
  /** The others at work. */
  readonly others: readonly Announcement[];
  /** When a worker of any release said last that it is there. */
  readonly lastSeenMs: number;
}

/** Workers repeat what they announce every minute. What was said within so long before the last word is of workers at work. */
const AT_WORK_MS = 180_000;

/** The task types, by name. */
export function announcedTypes(all: readonly Announcement[]): ReadonlyMap<string, AnnouncedType> {
  const byName = Map.groupBy(all, ({ type }) => type.name);
  return new Map([...byName].map(([name, releases]) => [name, ofReleases(releases)]));
}

function ofReleases(releases: readonly Announcement[]): AnnouncedType {
  const live = atWork(releases, ({ seenMs }) => seenMs);
  const newest = live.reduce((a, b) => (announcedMs(b) > announcedMs(a) ? b : a));
  const others = live.filter((one) => one !== newest);
  return { newest, others, lastSeenMs: Math.max(...releases.map(({ seenMs }) => seenMs)) };
}

/**
 * The types that an alias means: of those that have it, the ones at work. More than one: it means none of them, for it
 * would depend on chance. A type whose workers have gone leaves its alias to the next one.
 */
export function aliasesOf(
  types: ReadonlyMap<string, AnnouncedType>,
): ReadonlyMap<string, readonly string[]> {
  const byAlias = Map.groupBy(types.values(), ({ newest }) => newest.type.alias);
  byAlias.delete("");
  const named = [...byAlias].map(([alias, claims]) => {
    const names = atWork(claims, ({ lastSeenMs }) => lastSeenMs).map((one) => one.newest.type.name);
    return [alias, names.sort()] as const;
  });
  return new Map(named);
}

function atWork<One>(all: readonly One[], seenMs: (one: One) => number): One[] {
  const lastMs = Math.max(...all.map(seenMs));
  return all.filter((one) => wasAtWork(seenMs(one), lastMs));
}

/** Whether workers that were seen then may still have been at work at the time. */
export function wasAtWork(seenMs: number | undefined, atMs: number): boolean {
  return seenMs !== undefined && atMs - seenMs < AT_WORK_MS;
}

/** When the release was announced first; of one that did not say so, when it last did. */
function announcedMs({ type, seenMs }: Announcement): number {
  return type.announceTime ? timestampMs(type.announceTime) : seenMs;
}
