import { create } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import { WorkerSchema } from "#gen/millrace/v1/worker_pb.ts";
import { AliveWorkers } from "../../../services/monitor/alive-workers.ts";

const SECOND_MS = 1_000;

function seen(id: string, atMs: number, workers = new AliveWorkers()): AliveWorkers {
  workers.sawAlive(create(WorkerSchema, { id }), atMs);
  return workers;
}

function idsOf(workers: readonly { readonly id: string }[]): string[] {
  return workers.map(({ id }) => id);
}

test("a worker that is silent for 10 s is gone, and missed", () => {
  const workers = seen("a", 0);
  expect(idsOf(workers.alive(9 * SECOND_MS))).toEqual(["a"]);
  expect(idsOf(workers.missed(9 * SECOND_MS))).toEqual([]);
  expect(idsOf(workers.alive(10 * SECOND_MS))).toEqual([]);
  expect(idsOf(workers.missed(10 * SECOND_MS))).toEqual(["a"]);
});

test("every sign of life counts", () => {
  const workers = seen("a", 8 * SECOND_MS, seen("a", 0));
  expect(idsOf(workers.alive(15 * SECOND_MS))).toEqual(["a"]);
});

test("a worker that left is gone at once, and nobody misses it", () => {
  const workers = seen("a", 0);
  workers.sawLeave("a");
  expect(idsOf(workers.alive(0))).toEqual([]);
  expect(idsOf(workers.missed(10 * SECOND_MS))).toEqual([]);
});

test("a worker is missed for ten minutes", () => {
  const workers = seen("a", 0);
  expect(idsOf(workers.missed(599 * SECOND_MS))).toEqual(["a"]);
  seen("b", 600 * SECOND_MS, workers);
  expect(idsOf(workers.missed(610 * SECOND_MS))).toEqual(["b"]);
});
