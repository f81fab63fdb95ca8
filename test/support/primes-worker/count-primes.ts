import { Int32ValueSchema, StringValueSchema } from "@bufbuild/protobuf/wkt";
import { defineTaskType } from "#lib/task/task-type.ts";

interface Sieve {
  at: number;
  found: number;
}

function isPrime(candidate: number): boolean {
  for (let factor = 2; factor * factor <= candidate; factor += 1) {
    if (candidate % factor === 0) return false;
  }
  return true;
}

/** The example of docs/task-types.md. */
const countPrimes = defineTaskType({
  input: Int32ValueSchema,
  output: StringValueSchema,
  alias: "math.primes",
  description: "Counts the primes up to a number.",
  isolated: true,
  softTimeoutMs: 60_000,
  attemptTimeoutMs: 65_000,
  retry: { maxAttempts: 5, nonRetryableCodes: ["TOO_LARGE"] },
  async handler({ input, checkpoint, saveCheckpoint, report, signal }) {
    let { at, found } = (checkpoint as Sieve | undefined) ?? { at: 2, found: 0 };
    for (; at <= input.value; at += 1) {
      if (signal.aborted && signal.reason.why === "soft timeout") break; // a part will do
      signal.throwIfAborted(); // the next attempt goes on from the checkpoint
      if (isPrime(at)) found += 1;
      report({ current: at, total: input.value });
      if (at % 100_000 === 0) await saveCheckpoint({ at: at + 1, found });
    }
    return { value: `${found} primes below ${at}` };
  },
});

export function taskTypes() {
  return [countPrimes];
}
