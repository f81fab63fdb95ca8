import { inject, type TestContext, test } from "vitest";
import { seededRandom } from "./seeded-random.ts";

declare module "vitest" {
  interface TaskMeta {
    /** What a fault row measured, by name, as it is to be printed. */
    figures?: Record<string, string>;
  }
}

/** What a row of the fault suite is given. */
export interface FaultRow {
  /** Chance, the same for the same seed. */
  readonly random: () => number;
  /** Hands a figure to whoever reads the run's report; the last one of a name counts. */
  figure(name: string, value: string | number): void;
}

/** The value of the form that runs: the short one in CI, the others by hand. */
export function sized<T>(forms: {
  readonly short: T;
  readonly long: T;
  /** Default: as the long form. */
  readonly hour?: T;
}): T {
  const size = inject("faultsSize");
  return size === "hour" ? (forms.hour ?? forms.long) : forms[size];
}

/**
 * A row of the fault suite: a test whose damage follows from the seed that its name, and its error, say. FAULTS_SEED
 * repeats it, FAULTS_LONG=1 (or =hour) makes it long.
 */
export function faultRow(
  sentence: string,
  run: (row: FaultRow) => Promise<void>,
  limitMs = 60_000,
): void {
  addRow(sentence, run, { timeout: limitMs });
}

/** A row that has no short form: CI leaves it out. */
export function longRow(
  sentence: string,
  run: (row: FaultRow) => Promise<void>,
  limitMs: number,
): void {
  addRow(sentence, run, { timeout: limitMs, skip: inject("faultsSize") === "short" });
}

function addRow(
  sentence: string,
  run: (row: FaultRow) => Promise<void>,
  options: { readonly timeout: number; readonly skip?: boolean },
): void {
  const seed = inject("faultsSeed");
  test(`${sentence} (seed ${seed})`, options, async ({ task }: TestContext) => {
    const figures: Record<string, string> = {};
    task.meta.figures = figures;
    const figure = (name: string, value: string | number) => {
      figures[name] = String(value);
    };
    try {
      await run({ random: seededRandom(seed), figure });
    } catch (error) {
      if (error instanceof Error) error.message += ` (${repeatOf(seed)} repeats this)`;
      throw error;
    }
  });
}

function repeatOf(seed: number): string {
  const size = inject("faultsSize");
  return `FAULTS_SEED=${seed}${size === "short" ? "" : ` FAULTS_LONG=${size === "hour" ? size : 1}`}`;
}

/** A time for people: "1.4 s". */
export function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(1)} s`;
}
