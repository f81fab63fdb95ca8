import { setTimeout } from "node:timers/promises";
import { create } from "@bufbuild/protobuf";
import { afterEach, expect, test, vi } from "vitest";
import { WorkerSchema } from "#gen/millrace/v1/worker_pb.ts";
import { openTestBroker } from "#test/support/broker.ts";
import { startTestNats } from "#test/support/nats.ts";
import { TcpProxy } from "#test/support/tcp-proxy.ts";
import { until } from "#test/support/until.ts";

const HOUR_MS = 3_600_000;

afterEach(() => {
  vi.useRealTimers();
});

test("a worker that lives is found alive by one whose clock is wrong", async () => {
  await using nats = await startTestNats();
  await using broker = await openTestBroker(nats.url);
  const left = new AbortController();
  const describe = () => create(WorkerSchema, { id: "w", runningTaskIds: ["t"] });
  const alive = broker.workers.keepAlive(describe, left.signal);
  await until(async () => (await broker.workers.lastSign("w")) !== undefined);

  for (const aheadMs of [HOUR_MS, -HOUR_MS]) {
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + aheadMs });
    expect(await broker.workers.lastSign("w")).toMatchObject({ runningTaskIds: ["t"] });
    vi.useRealTimers();
  }
  left.abort();
  await alive;
  expect(await broker.workers.lastSign("w")).toBeUndefined();
});

test("a worker whose line breaks says at once on the next one that it lives", async () => {
  await using nats = await startTestNats();
  await using line = await TcpProxy.open(nats.port);
  await using worker = await openTestBroker(line.url);
  await using other = await openTestBroker(nats.url);
  const left = new AbortController();
  const describe = () => create(WorkerSchema, { id: "w" });
  const alive = worker.workers.keepAlive(describe, left.signal);
  await until(async () => (await other.workers.lastSign("w")) !== undefined);
  line.silence("to client");
  // It says so every 2 s, and would wait for 4 s to hear that it was heard.
  await setTimeout(2_100);
  const cutAtMs = other.clock.nowMs();
  line.cut();
  line.heal();
  await until(async () => {
    const sign = await other.workers.lastSign("w");
    return sign !== undefined && sign.time.getTime() > cutAtMs;
  });
  expect(other.clock.nowMs() - cutAtMs).toBeLessThan(1_500);
  left.abort();
  await alive;
});
