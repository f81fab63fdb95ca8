/** Whether every task that a system accepted has ended, and once. */
export interface Tally {
  readonly accepted: number;
  /** Accepted tasks that ended exactly once. */
  readonly endedOnce: number;
  /** Accepted tasks of which nothing is stored any more, where a full store forgets what has ended. */
  readonly forgotten: number;
  /** Accepted tasks without an end. */
  readonly lost: readonly string[];
  /** Tasks that ended more than once. */
  readonly repeated: readonly string[];
  /** Tasks that ended, and that nobody was told had been accepted. */
  readonly unknown: readonly string[];
}

/** What is told of the tasks that went wrong: enough to look for them. */
const NAMED = 10;

/**
 * Compares the ids that callers were given with what the system's own store says of their ends.
 *
 * @param ended How often each task has ended.
 * @param kept The tasks that are still stored, where a full store forgets what has ended; none: all are.
 */
export function tallyOf(
  accepted: readonly string[],
  ended: ReadonlyMap<string, number>,
  kept?: ReadonlySet<string>,
): Tally {
  const known = new Set(accepted);
  const timesOf = (id: string) => ended.get(id) ?? 0;
  const endless = [...known].filter((id) => timesOf(id) === 0);
  const lost = kept ? endless.filter((id) => kept.has(id)) : endless;
  return {
    accepted: known.size,
    endedOnce: [...known].filter((id) => timesOf(id) === 1).length,
    forgotten: endless.length - lost.length,
    lost,
    repeated: [...ended].filter(([, times]) => times > 1).map(([id]) => id),
    unknown: [...ended.keys()].filter((id) => !known.has(id)),
  };
}

/** What is wrong, in words; undefined: nothing is. */
export function wrongIn({ lost, repeated, unknown, accepted }: Tally): string | undefined {
  const findings = [
    accepted === 0 ? "no task was accepted" : undefined,
    told(lost, "never ended"),
    told(repeated, "ended more than once"),
    told(unknown, "ended without having been accepted"),
  ].filter((finding) => finding !== undefined);
  return findings.length === 0 ? undefined : findings.join("; ");
}

function told(ids: readonly string[], what: string): string | undefined {
  if (ids.length === 0) return undefined;
  const more = ids.length > NAMED ? ", …" : "";
  return `${ids.length} ${what} (${ids.slice(0, NAMED).join(", ")}${more})`;
}
