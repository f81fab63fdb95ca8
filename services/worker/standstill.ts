/** Something that should move on: what is at the head of it now, by name. */
export type Heads = ReadonlyMap<string, number>;

/** How long the heads have been the same, look after look. */
export type Standing = ReadonlyMap<string, { readonly head: number; readonly ms: number }>;

/**
 * Counted in looks rather than by a clock: a process that was frozen has not looked, and must not take the time that
 * passed for time in which nothing moved.
 */
export function standing(before: Standing, heads: Heads, sinceLookMs: number): Standing {
  return new Map(
    [...heads].map(([name, head]) => {
      const known = before.get(name);
      return [name, { head, ms: known?.head === head ? known.ms + sinceLookMs : 0 }];
    }),
  );
}

/** The longest that one of them stands. */
export function longestMs(now: Standing): number {
  return Math.max(0, ...[...now.values()].map(({ ms }) => ms));
}
