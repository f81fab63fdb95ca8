import type { Contestant, RoundsOptions } from "./rounds.ts";
import { Session } from "./session.ts";
import type { Choice, SystemUnderTest } from "./systems/system.ts";
import { runTasks } from "./works/run-tasks.ts";
import { firstWarmUp } from "./works/warm-ups.ts";

/** Enough to tell concurrencies apart, however long the works are to take. */
const LONGEST_TRY_MS = 3_000;

/** What each concurrency gave that was tried. */
interface Tried {
  readonly choice: string;
  readonly tasksPerSecond: number;
}

export interface Chosen extends Contestant {
  readonly tried: readonly Tried[];
}

/** Finds the concurrency that a system does most watched tasks with, so that no rival is measured badly set up. */
export async function choose(
  system: SystemUnderTest,
  options: Omit<RoundsOptions, "contestants" | "works">,
): Promise<Chosen> {
  const [first, ...others] = system.choices;
  if (!options.size.tries || others.length === 0) return { system, choice: first, tried: [] };
  let best: { readonly choice: Choice; readonly rate: number } = { choice: first, rate: 0 };
  const tried: Tried[] = [];
  for (const choice of system.choices) {
    const rate = await rateOf(system, choice, options);
    options.tell(`trying ${system.name} with ${choice.label}: ${Math.round(rate)} tasks/s`);
    tried.push({ choice: choice.label, tasksPerSecond: rate });
    if (rate > best.rate) best = { choice, rate };
  }
  return { system, choice: best.choice, tried };
}

async function rateOf(
  system: SystemUnderTest,
  choice: Choice,
  options: Omit<RoundsOptions, "contestants" | "works">,
): Promise<number> {
  const callers = choice.callers ?? options.callers;
  const measureMs = Math.min(options.size.measureMs, LONGEST_TRY_MS);
  const [watched] = runTasks.cases({ ...options.size, measureMs }, callers);
  if (!watched) return 0;
  await using session = await Session.open({
    ...options,
    system,
    choice,
    setup: {},
    firstWarmUp: firstWarmUp(options.size, callers),
  });
  const { result, usage } = await session.measure(watched);
  return (result?.tasks ?? 0) / usage.seconds;
}
