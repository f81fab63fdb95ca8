import { expect, test } from "vitest";
import { followedWorkers } from "#test/support/live-workers.ts";

const SECOND_MS = 1_000;
const TYPE = "shop.v1.SendReceipt";

function idsOf(workers: readonly { readonly id: string }[]): string[] {
  return workers.map(({ id }) => id);
}

test("a worker that is silent for 10 s is gone, and missed", () => {
  const { workers, clock, seen } = followedWorkers();
  seen({ id: "a" });
  clock.nowMs = 9 * SECOND_MS;
  expect(idsOf(workers.alive())).toEqual(["a"]);
  expect(idsOf(workers.missed())).toEqual([]);
  clock.nowMs = 10 * SECOND_MS;
  expect(idsOf(workers.alive())).toEqual([]);
  expect(idsOf(workers.missed())).toEqual(["a"]);
});

test("every sign of life counts", () => {
  const { workers, clock, seen } = followedWorkers();
  seen({ id: "a" });
  seen({ id: "a" }, 8 * SECOND_MS);
  clock.nowMs = 15 * SECOND_MS;
  expect(idsOf(workers.alive())).toEqual(["a"]);
});

test("a worker that left is gone at once, and nobody misses it", () => {
  const { workers, clock, listener, seen } = followedWorkers();
  seen({ id: "a", taskTypes: [TYPE] });
  listener.onLeft("a");
  expect(idsOf(workers.alive())).toEqual([]);
  expect(workers.serving(TYPE)).toEqual([]);
  clock.nowMs = 10 * SECOND_MS;
  expect(idsOf(workers.missed())).toEqual([]);
});

test("a worker is missed for ten minutes", () => {
  const { workers, clock, seen } = followedWorkers();
  seen({ id: "a" });
  clock.nowMs = 599 * SECOND_MS;
  expect(idsOf(workers.missed())).toEqual(["a"]);
  seen({ id: "b" }, 600 * SECOND_MS);
  clock.nowMs = 610 * SECOND_MS;
  expect(idsOf(workers.missed())).toEqual(["b"]);
});

test("a type is served by workers that live, have a handler for it, and are not about to leave", () => {
  const { workers, clock, seen } = followedWorkers();
  seen({ id: "a", taskTypes: [TYPE] });
  seen({ id: "b", taskTypes: ["another"] });
  seen({ id: "c", taskTypes: ["another", TYPE], leaving: true });
  expect(idsOf(workers.serving(TYPE))).toEqual(["a"]);
  clock.nowMs = 10 * SECOND_MS;
  expect(workers.serving(TYPE)).toEqual([]);
});

test("a type is served from the queues that its workers take tasks from", () => {
  const { workers, seen } = followedWorkers();
  seen({ id: "a", taskTypes: [TYPE], queues: ["mail"] });
  seen({ id: "b", queues: ["mail", "bulk"] });
  seen({ id: "c", queues: ["bulk"], leaving: true });
  expect(idsOf(workers.servingFrom("mail", TYPE))).toEqual(["a"]);
  expect(workers.servingFrom("bulk", TYPE)).toEqual([]);
  expect(idsOf(workers.servingFrom("bulk", ""))).toEqual(["b"]);
});

test("workers that leave may still hold tasks of their types and queues, as many as they run", () => {
  const { workers, clock, seen } = followedWorkers();
  const leaving = { queues: ["mail"], taskTypes: [TYPE], leaving: true };
  seen({ ...leaving, id: "a", running: 2 });
  seen({ ...leaving, id: "b", running: 3 });
  seen({ ...leaving, id: "c", running: 5, leaving: false });
  expect(workers.heldWhileLeaving("mail", TYPE)).toBe(5);
  expect(workers.heldWhileLeaving("mail", "")).toBe(5);
  expect(workers.heldWhileLeaving("mail", "another")).toBe(0);
  expect(workers.heldWhileLeaving("bulk", TYPE)).toBe(0);
  clock.nowMs = 10 * SECOND_MS;
  expect(workers.heldWhileLeaving("mail", TYPE)).toBe(0);
});

test("a type that only old releases serve is told apart from one that nobody serves", () => {
  const { workers, seen } = followedWorkers();
  expect(workers.onlyOldServe(TYPE)).toBe(false);
  seen({ id: "old", taskTypes: [TYPE] });
  expect(workers.onlyOldServe(TYPE)).toBe(true);
  seen({ id: "new", taskTypes: [TYPE], takesByType: true });
  expect(workers.onlyOldServe(TYPE)).toBe(false);
});

test("when a type was last served is known of workers that live, that left, and that fell silent", () => {
  const { workers, clock, listener, seen } = followedWorkers();
  expect(workers.silentMs(TYPE)).toBeUndefined();
  seen({ id: "a", taskTypes: [TYPE] });
  clock.nowMs = 4 * SECOND_MS;
  expect(workers.silentMs(TYPE)).toBe(4 * SECOND_MS);
  listener.onLeft("a");
  expect(workers.silentMs(TYPE)).toBe(0);
  clock.nowMs = 5 * SECOND_MS;
  expect(workers.silentMs(TYPE)).toBe(1 * SECOND_MS);
  seen({ id: "b", taskTypes: [TYPE] }, 6 * SECOND_MS);
  seen({ id: "c" }, 1_000 * SECOND_MS);
  expect(workers.silentMs(TYPE)).toBe(994 * SECOND_MS);
});

test("that nobody serves a type is not said before every worker that lives had time to be heard", () => {
  const { workers, clock, listener } = followedWorkers();
  expect(workers.isComplete).toBe(false);
  listener.onFollowing?.();
  clock.nowMs = 2 * SECOND_MS;
  expect(workers.isComplete).toBe(false);
  clock.nowMs = 3 * SECOND_MS;
  expect(workers.isComplete).toBe(true);
  // After an outage, all may have fallen silent because they could not be heard.
  listener.onFollowing?.();
  expect(workers.isComplete).toBe(false);
});
