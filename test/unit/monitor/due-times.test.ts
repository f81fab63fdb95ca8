import { expect, test } from "vitest";
import { seededRandom } from "#test/support/seeded-random.ts";
import { DueTimes } from "../../../services/monitor/fold/due-times.ts";

test("nothing is due where nothing was set", () => {
  const times = new DueTimes<string>();
  times.delete("unknown");
  expect(times.earliestMs()).toBeUndefined();
});

test("what is set again is due at its new time, and what is deleted is not due", () => {
  const times = new DueTimes<string>();
  times.set("a", 5);
  times.set("b", 7);
  expect(times.earliestMs()).toBe(5);
  times.set("a", 9);
  expect(times.earliestMs()).toBe(7);
  times.delete("b");
  expect(times.earliestMs()).toBe(9);
  times.delete("a");
  expect(times.earliestMs()).toBeUndefined();
});

test.each([1, 2, 3])("the earliest one is always the earliest of all (seed %i)", (seed) => {
  const random = seededRandom(seed);
  const times = new DueTimes<number>();
  const all = new Map<number, number>();
  for (let step = 0; step < 3_000; step += 1) {
    const thing = Math.floor(random() * 100);
    const dueMs = Math.floor(random() * 1_000);
    if (random() < 0.4) {
      times.delete(thing);
      all.delete(thing);
    } else {
      times.set(thing, dueMs);
      all.set(thing, dueMs);
    }
    const earliestMs = all.size > 0 ? Math.min(...all.values()) : undefined;
    expect(times.earliestMs()).toBe(earliestMs);
  }
});
