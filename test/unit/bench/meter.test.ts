import { expect, test } from "vitest";
import { type Reading, usageBetween, withGone } from "../../../bench/measure/meter.ts";

const START: Reading = {
  atMs: 1_000,
  cpuSeconds: { gateway: 1, client: 0 },
  ownCpuSeconds: 5,
  machineCpuSeconds: 100,
  peakBytes: { gateway: 10, client: 20 },
  memoryBytes: { gateway: 9, client: 19 },
};

function after(seconds: number, used: Partial<Reading>): Reading {
  return { ...START, atMs: START.atMs + seconds * 1_000, ...used };
}

test("what the machine spent beyond the system and the benchmark was others'", () => {
  const end = after(2, {
    cpuSeconds: { gateway: 2.5, client: 0.5 },
    ownCpuSeconds: 5.2,
    machineCpuSeconds: 103,
    peakBytes: { gateway: 30, client: 25 },
    memoryBytes: { gateway: 8, client: 21 },
  });
  const usage = usageBetween(START, end, 2);
  expect(usage.seconds).toBe(2);
  expect(usage.cpuMicros).toEqual({ gateway: 1_500_000, client: 500_000 });
  // Of 4 s on two cores, 3 were spent: 2 by the system, 0.2 by the benchmark.
  expect(usage.othersShare).toBeCloseTo(0.2);
  expect(usage.peakBytes).toEqual({ gateway: 30, client: 25 });
  expect(usage.memoryBytes).toEqual({ gateway: 8, client: 21 });
  expect(usage.peakGrowthBytes).toEqual({ gateway: 20, client: 5 });
});

test("others never have used less than nothing, however the kernel rounds", () => {
  const end = after(1, { cpuSeconds: { gateway: 2, client: 0 }, machineCpuSeconds: 100.99 });
  expect(usageBetween(START, end, 2).othersShare).toBe(0);
});

test("what a process had used that was killed counts with what its successor has used", () => {
  const gone = { ...START, cpuSeconds: { gateway: 3 }, peakBytes: { gateway: 50 } };
  const { cpuSeconds, peakBytes } = withGone(after(1, {}), gone);
  expect(cpuSeconds).toEqual({ gateway: 4, client: 0 });
  expect(peakBytes).toEqual({ gateway: 50, client: 20 });
});
