import { randomInt } from "node:crypto";
import type { TestProject } from "vitest/node";

declare module "vitest" {
  interface ProvidedContext {
    fuzzSeed: number;
    fuzzSeconds: number;
  }
}

/** What CI runs with. */
const DEFAULT_SEED = 1;
const LARGEST_SEED = 2 ** 31 - 1;
const DEFAULT_SECONDS = 10;

/**
 * Decides once for a run: FUZZ_SEED is the number that all inputs follow from ("random" picks one), FUZZ_SECONDS how long
 * inputs are tried, all tests together.
 */
export default function setup(project: TestProject): void {
  const seed =
    process.env["FUZZ_SEED"] === "random"
      ? randomInt(1, LARGEST_SEED)
      : numberFrom("FUZZ_SEED", DEFAULT_SEED);
  const seconds = numberFrom("FUZZ_SECONDS", DEFAULT_SECONDS);
  process.stderr.write(`fuzz: FUZZ_SEED=${seed} FUZZ_SECONDS=${seconds}\n`);
  project.provide("fuzzSeed", seed);
  project.provide("fuzzSeconds", seconds);
}

function numberFrom(variable: string, fallback: number): number {
  const given = process.env[variable];
  if (!given) return fallback;
  const value = Number(given);
  if (Number.isSafeInteger(value) && value > 0 && value <= LARGEST_SEED) return value;
  throw new Error(`${variable} is "${given}"; a whole number from 1 to ${LARGEST_SEED}`);
}
