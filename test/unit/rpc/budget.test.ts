import { expect, test } from "vitest";
import { Budget } from "#lib/rpc/budget.ts";

const ALLOWANCE = { burst: 3, perSecond: 2 };

/** How many of ten tries are allowed at this time. */
function allowedAt(budget: Budget, nowMs: number): number {
  return Array.from({ length: 10 }, () => budget.spend(nowMs)).filter(Boolean).length;
}

test("so much at once, and no more", () => {
  expect(allowedAt(new Budget(ALLOWANCE, 0), 0)).toBe(3);
});

test("so much per second after that, kept up to the burst", () => {
  const budget = new Budget(ALLOWANCE, 0);
  for (const nowMs of [0, 0, 0]) expect(budget.spend(nowMs)).toBe(true);
  expect(budget.spend(500)).toBe(true);
  expect(allowedAt(budget, 100_000)).toBe(3);
});

test("what is refused costs nothing", () => {
  const budget = new Budget(ALLOWANCE, 0);
  allowedAt(budget, 0);
  expect(budget.spend(500)).toBe(true);
});
