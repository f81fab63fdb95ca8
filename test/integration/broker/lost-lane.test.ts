import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { create } from "@bufbuild/protobuf";
import { AnySchema } from "@bufbuild/protobuf/wkt";
import { expect, test } from "vitest";
import { WaitingTaskSchema } from "#gen/millrace/v1/waiting_task_pb.ts";
import type { Broker } from "#lib/broker/broker.ts";
import type { Lane } from "#lib/broker/names.ts";
import { takeNow } from "#lib/broker/queues/pull.ts";
import { readQueueFigures } from "#lib/broker/queues/queue-figures.ts";
import { openTestBroker, queueSource, specOf } from "#test/support/broker.ts";
import { startTestNats, type TestNats } from "#test/support/nats.ts";
import { until } from "#test/support/until.ts";

const ASKED = { reason: "maintenance", requestedBy: "ada" };
const LANE = queueSource("default", "p2", "a.A");

function put({ queues }: Broker, taskId: string): Promise<boolean> {
  const spec = { ...specOf(), input: create(AnySchema, { typeUrl: "x/a.A" }) };
  return queues.enqueue(create(WaitingTaskSchema, { taskId, spec }));
}

async function taken({ link }: Broker): Promise<string[]> {
  const deliveries = await takeNow(link.use(), LANE, 10);
  return deliveries.map(({ taskId }) => taskId);
}

/** Where nats-server keeps how far a lane is. */
function filesOf({ storeDir }: TestNats, { stream, consumer } = LANE): string {
  return join(storeDir, "jetstream", "$G", "streams", stream, "obs", consumer);
}

/** As if a disk had spoilt them. */
async function damage(nats: TestNats, lane = LANE): Promise<void> {
  await nats.kill("SIGTERM");
  await writeFile(join(filesOf(nats, lane), "o.dat"), "damaged");
  await nats.restart();
}

// PauseQueue answered INTERNAL, and workers were given tasks of the queue all the same.
test("a queue is paused and resumed, and limited, though a running server has lost a lane's files", async () => {
  await using nats = await startTestNats();
  await using broker = await openTestBroker(nats.url);
  await put(broker, "a");
  await rm(filesOf(nats), { recursive: true });
  await broker.queueSettings.pause("default", ASKED);
  expect(await taken(broker)).toEqual([]);
  expect((await readQueueFigures(broker.link, "default")).isAsSet).toBe(true);

  await rm(filesOf(nats), { recursive: true });
  await broker.queueSettings.limit("default", { maxTasks: 7n });
  await broker.queueSettings.resume("default");
  expect(await taken(broker)).toEqual(["a"]);
});

// Tasks that lay in the lane were never run, and submits of the type were answered INTERNAL.
test("a lane whose files are damaged is made anew, by the next task or by who looks after the queue", async () => {
  await using nats = await startTestNats();
  await using broker = await openTestBroker(nats.url);
  await put(broker, "a");
  await damage(nats);
  await broker.link.whenUp(AbortSignal.timeout(30_000));
  await broker.lanes.restoreStranded("default");
  expect(await taken(broker)).toEqual(["a"]);

  await nats.restart();
  await broker.link.whenUp(AbortSignal.timeout(30_000));
  await put(broker, "b");
  // A task does not wait for a lane that was there once.
  const isThere = ({ type }: Lane) => type === "a.A";
  await until(async () => (await broker.lanes.list("default")).some(isThere));
  expect(await taken(broker)).toEqual(["a", "b"]);
});

test("a service starts though the files of a lane that every queue has are damaged", async () => {
  await using nats = await startTestNats();
  await using _before = await openTestBroker(nats.url);
  await damage(nats, queueSource("default", "p2"));
  await using next = await openTestBroker(nats.url);
  await next.queueSettings.pause("default", ASKED);
  expect((await readQueueFigures(next.link, "default")).isAsSet).toBe(true);
});
