import { create } from "@bufbuild/protobuf";
import { expect, onTestFinished, test, vi } from "vitest";
import { TaskSpecSchema } from "#gen/millrace/v1/task_pb.ts";
import type { Broker } from "#lib/broker/broker.ts";
import { openTestBroker, specOf } from "#test/support/broker.ts";
import { startTestNats } from "#test/support/nats.ts";

const NEVER = new AbortController().signal;

async function accept(broker: Broker, count: number, prefix = "t"): Promise<string[]> {
  const ids = Array.from({ length: count }, (_, index) => `${prefix}${index}`);
  await Promise.all(ids.map((id) => broker.log.begin(id, specOf())));
  return ids;
}

/** The ids that a pass hands out, in order. */
async function handedOut(broker: Broker, ageMs = 0): Promise<string[]> {
  const ids: string[] = [];
  const cursor = broker.logCursor({ name: "test", facet: "spec", ageMs });
  await cursor.pass(async (tasks) => void ids.push(...tasks.map(({ taskId }) => taskId)), NEVER);
  return ids;
}

test("every task is handed out once, in order, whichever process goes on", async () => {
  await using nats = await startTestNats();
  await using broker = await openTestBroker(nats.url);
  await using other = await openTestBroker(nats.url);
  const first = await accept(broker, 2_500, "first");
  expect(await handedOut(broker)).toEqual(first);
  expect(await handedOut(broker)).toEqual([]);
  const second = await accept(broker, 3, "second");
  expect(await handedOut(other)).toEqual(second);
  expect(await handedOut(broker)).toEqual([]);
});

test("tasks with inputs of any size are handed out", async () => {
  await using nats = await startTestNats();
  await using broker = await openTestBroker(nats.url);
  const value = new Uint8Array(64 * 1024);
  const spec = create(TaskSpecSchema, { queue: "default", input: { value } });
  const ids = Array.from({ length: 300 }, (_, index) => `large${index}`);
  for (const id of ids) await broker.log.begin(id, spec);
  expect(await handedOut(broker)).toEqual(ids);
});

test("a task that has not come of age is handed out later", async () => {
  await using nats = await startTestNats();
  await using broker = await openTestBroker(nats.url);
  const ids = await accept(broker, 3);
  expect(await handedOut(broker, 60_000)).toEqual([]);
  expect(await handedOut(broker)).toEqual(ids);
});

test("a batch that was not seen to is handed out again, and none after it meanwhile", async () => {
  await using nats = await startTestNats();
  await using broker = await openTestBroker(nats.url);
  const ids = await accept(broker, 300);
  const failing = broker
    .logCursor({ name: "test", facet: "spec", ageMs: 0 })
    .pass(() => Promise.reject(new Error("no")), NEVER);
  await expect(failing).rejects.toThrow("no");
  expect(await handedOut(broker)).toEqual(ids);
});

test("of two that go on from the same place both may hand out a batch, and none is left out", async () => {
  await using nats = await startTestNats();
  await using broker = await openTestBroker(nats.url);
  await using other = await openTestBroker(nats.url);
  const ids = await accept(broker, 2_500);
  const [one, two] = await Promise.all([handedOut(broker), handedOut(other)]);
  expect(new Set([...one, ...two])).toEqual(new Set(ids));
  expect(await handedOut(broker)).toEqual([]);
});

test("a log that took the place of another is gone through from its start", async () => {
  await using nats = await startTestNats();
  await using broker = await openTestBroker(nats.url);
  await accept(broker, 5, "old");
  expect(await handedOut(broker)).toHaveLength(5);
  await broker.link.use().jsm.streams.delete("MR_EVENTS");
  await broker.link.repair();
  const ids = await accept(broker, 7, "new");
  expect(await handedOut(broker)).toEqual(ids);
});

test("how old a task is, the broker's clock decides", async () => {
  await using nats = await startTestNats();
  await using broker = await openTestBroker(nats.url);
  await accept(broker, 1);
  onTestFinished(() => void vi.useRealTimers());
  vi.setSystemTime(Date.now() + 3_600_000);
  expect(await handedOut(broker, 60_000)).toEqual([]);
});
