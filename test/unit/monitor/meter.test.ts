import { expect, test } from "vitest";
import { Meter } from "../../../services/monitor/fold/meter.ts";

const SECOND_MS = 1_000;
const NOW_MS = Date.UTC(2026, 0, 1);

test("the rate is of the minute that ends now", () => {
  const meter = new Meter();
  for (let second = 0; second < 300; second += 1) {
    meter.count(NOW_MS + second * SECOND_MS);
    meter.count(NOW_MS + second * SECOND_MS + 999);
  }
  expect(meter.perSecond(NOW_MS + 299 * SECOND_MS)).toBe(2);
  expect(meter.perSecond(NOW_MS + 329 * SECOND_MS)).toBe(1);
  expect(meter.perSecond(NOW_MS + 359 * SECOND_MS)).toBe(0);
  expect(meter.total).toBe(600);
});

test("an event that comes out of turn, a minute late, is not taken for a new one", () => {
  const meter = new Meter();
  meter.count(NOW_MS + 60 * SECOND_MS);
  meter.count(NOW_MS);
  expect(meter.perSecond(NOW_MS + 60 * SECOND_MS)).toBe(1 / 60);
  expect(meter.total).toBe(2);
});

test("what is taken back leaves the rate of its second, but not the total", () => {
  const meter = new Meter();
  meter.count(NOW_MS);
  meter.count(NOW_MS + SECOND_MS);
  meter.takeBack(NOW_MS);
  expect(meter.perSecond(NOW_MS + SECOND_MS)).toBe(1 / 60);
  expect(meter.total).toBe(2);
  meter.count(NOW_MS + 2 * SECOND_MS);
  expect(meter.total).toBe(2);
});

test("what is taken back after its minute changes no rate", () => {
  const meter = new Meter();
  meter.count(NOW_MS);
  meter.count(NOW_MS + 60 * SECOND_MS);
  meter.takeBack(NOW_MS);
  expect(meter.perSecond(NOW_MS + 60 * SECOND_MS)).toBe(1 / 60);
});
