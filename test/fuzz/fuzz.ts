import { type Arbitrary, assert, asyncProperty, interruptAfterTimeLimit } from "fast-check";
import { inject, test } from "vitest";

export interface Fuzz<Input> {
  readonly inputs: Arbitrary<Input>;
  /** The part of the time of the whole run. */
  readonly share: number;
  /** Inputs between two looks at the clock. */
  readonly batch?: number;
  /** Throws when the input did harm. */
  readonly check: (input: Input) => Promise<void>;
}

/** A batch takes seconds; making an input that did harm smaller could take hours. */
const BATCH_MS = 60_000;
const PLUGINS = [interruptAfterTimeLimit(BATCH_MS, { failOnInterrupt: true })];
/** Beside the inputs: the last batch, and to clean up. */
const EXTRA_MS = 2 * BATCH_MS;

/**
 * A test of inputs made by chance, one after the other, until its time is up. An input that does harm is made smaller
 * and told, with the seed that repeats it.
 */
export function fuzz<Input>(
  sentence: string,
  { inputs, share, batch = 10, check }: Fuzz<Input>,
): void {
  const seed = inject("fuzzSeed");
  const limitMs = inject("fuzzSeconds") * 1_000 * share;
  test(`${sentence} (seed ${seed})`, { timeout: limitMs + EXTRA_MS }, async ({ task }) => {
    const property = asyncProperty(inputs, check);
    const started = performance.now();
    let batches = 0;
    do {
      await assert(property, { seed: seed + batches, numRuns: batch, plugins: PLUGINS });
      batches += 1;
    } while (performance.now() - started < limitMs);
    task.meta.figures = { inputs: String(batches * batch) };
  });
}
