import { expect, test } from "vitest";
import type { Lane } from "#lib/broker/names.ts";
import { BrokerUnavailable } from "#lib/task/errors.ts";
import { openTestBroker } from "#test/support/broker.ts";
import { startTestNats } from "#test/support/nats.ts";
import { until } from "#test/support/until.ts";

const laneOf = (type: string): Lane => ({ queue: "default", level: "p2", type });

test("a lane is made, and told of, once for all tasks that come to it at the same time", async () => {
  await using nats = await startTestNats();
  await using broker = await openTestBroker(nats.url);
  const told: string[] = [];
  const over = new AbortController();
  broker.lanes.onNew("default", ({ type }) => told.push(type), over.signal);
  await Promise.all(Array.from({ length: 100 }, () => broker.lanes.open(laneOf("test.First"))));
  await broker.lanes.open(laneOf("test.Last"));
  await until(() => told.includes("test.Last"));
  expect(told).toEqual(["test.First", "test.Last"]);
  over.abort();
});

test("a lane that could not be made is made for the next task", async () => {
  await using nats = await startTestNats();
  await using broker = await openTestBroker(nats.url);
  await broker.link.use().jsm.streams.delete("MR_QUEUE_default");
  await expect(broker.lanes.open(laneOf("test.First"))).rejects.toThrow(BrokerUnavailable);
  await broker.link.repair();
  await broker.lanes.open(laneOf("test.First"));
  expect(await broker.lanes.list("default")).toContainEqual(laneOf("test.First"));
});
