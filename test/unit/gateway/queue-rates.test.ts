import { expect, test } from "vitest";
import { QueueRates } from "../../../services/gateway/queue-rates.ts";

const NOTHING = { enqueued: 0, taken: 0, settled: 0 };

function rates(...samples: readonly (readonly [atS: number, total: number])[]) {
  const queue = new QueueRates();
  for (const [atS, total] of samples) {
    queue.add({
      atMs: atS * 1_000,
      totals: { enqueued: total, taken: total / 2, settled: total / 4 },
    });
  }
  return queue.rates;
}

test("rates are zero as long as there is nothing to compare", () => {
  expect(rates()).toEqual(NOTHING);
  expect(rates([0, 500])).toEqual(NOTHING);
  expect(rates([3, 500], [3, 500])).toEqual(NOTHING);
});

test("rates are per second, for as long as was looked", () => {
  expect(rates([0, 100], [5, 120])).toEqual({ enqueued: 4, taken: 2, settled: 1 });
});

test("what is older than a minute does not count any more", () => {
  expect(rates([0, 0], [10, 1_000], [70, 1_060]).enqueued).toBe(1);
});

test("a queue that was made anew is looked at anew", () => {
  expect(rates([0, 1_000], [5, 10])).toEqual(NOTHING);
  expect(rates([0, 1_000], [5, 10], [10, 20]).enqueued).toBe(2);
});
