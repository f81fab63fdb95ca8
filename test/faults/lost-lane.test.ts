import { rm } from "node:fs/promises";
import { join } from "node:path";
import { create } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import { WaitingTaskSchema } from "#gen/millrace/v1/waiting_task_pb.ts";
import { takeNow } from "#lib/broker/queues/pull.ts";
import { readQueueFigures } from "#lib/broker/queues/queue-figures.ts";
import { openTestBroker, queueSource, specOf } from "#test/support/broker.ts";
import { startTestCluster } from "#test/support/cluster.ts";

const LANE = queueSource("default", "p2");

// PauseQueue was answered UNAVAILABLE for ever, and workers were given tasks of the queue all the same.
test("a queue is paused and resumed though the servers of a cluster have lost a lane's files", async () => {
  await using cluster = await startTestCluster();
  await using broker = await openTestBroker(cluster.url, { replicas: 3 });
  await broker.queues.enqueue(create(WaitingTaskSchema, { taskId: "a", spec: specOf() }));
  await cluster.whole();
  const take = () => takeNow(broker.link.use(), LANE, 10);
  for (const { storeDir } of cluster.nodes) {
    const { stream, consumer } = LANE;
    await rm(join(storeDir, "jetstream", "$G", "streams", stream, "obs", consumer), {
      recursive: true,
    });
  }
  await broker.queueSettings.pause("default", { reason: "maintenance", requestedBy: "ada" });
  expect(await take()).toEqual([]);
  expect((await readQueueFigures(broker.link, "default")).isAsSet).toBe(true);
  await broker.queueSettings.resume("default");
  expect((await take()).map(({ taskId }) => taskId)).toEqual(["a"]);
});
