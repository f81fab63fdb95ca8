import type { Load } from "../client/load.ts";
import type { Case, Size } from "./work.ts";

/** What a session begins with: code that runs for the first time is not compiled yet, and would be measured so. */
export function firstWarmUp({ firstWarmUpMs }: Size, callers: number): Load {
  return {
    kind: "closed loop",
    callers,
    watched: true,
    task: { reports: 4 },
    forMs: firstWarmUpMs,
  };
}

/**
 * What is put on the system before a case is measured.
 *
 * @param first What the session begins with; undefined once it has.
 */
export function warmUpsOf(
  { fill = [], warmUp, load, fromFreshStart }: Case,
  first: Load | undefined,
): readonly Load[] {
  const wanted = load && !fromFreshStart ? [first, ...fill, warmUp] : [...fill, warmUp];
  return wanted.filter((each) => each !== undefined);
}
