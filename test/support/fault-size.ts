import { randomInt } from "node:crypto";
import type { TestProject } from "vitest/node";

declare module "vitest" {
  interface ProvidedContext {
    faultsSeed: number;
    faultsSize: FaultSize;
  }
}

/** How long a fault row takes: some seconds in CI, minutes, or, for the rows that say so, an hour. */
export type FaultSize = "short" | "long" | "hour";

const SIZES: Readonly<Record<string, FaultSize>> = { 1: "long", hour: "hour" };

/** What CI runs with: the same damage every time. */
const DEFAULT_SEED = 1;
const LARGEST_SEED = 2 ** 31;

/**
 * Decides once for all fault rows of a run: FAULTS_SEED is the number that the damage follows from ("random" picks one),
 * FAULTS_LONG=1 asks for the long form of each row, FAULTS_LONG=hour for that of an hour where there is one.
 */
export default function setup(project: TestProject): void {
  const seed = seedFrom(process.env["FAULTS_SEED"]);
  project.provide("faultsSeed", seed);
  project.provide("faultsSize", SIZES[process.env["FAULTS_LONG"] ?? ""] ?? "short");
}

function seedFrom(given: string | undefined): number {
  if (!given) return DEFAULT_SEED;
  if (given === "random") {
    const seed = randomInt(1, LARGEST_SEED);
    process.stderr.write(`faults: FAULTS_SEED=${seed}\n`);
    return seed;
  }
  const seed = Number(given);
  if (Number.isSafeInteger(seed) && seed >= 0 && seed < LARGEST_SEED) return seed;
  throw new Error(`FAULTS_SEED is "${given}"; a whole number below ${LARGEST_SEED}, or "random"`);
}
