import { jetstreamManager } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import { expect, test } from "vitest";
import { faultRow, seconds } from "#test/support/fault-row.ts";
import { openGate } from "#test/support/gate.ts";
import { checkLedger } from "#test/support/ledger.ts";
import { submitPatiently } from "#test/support/patient-submit.ts";
import { watchPatiently } from "#test/support/patient-watch.ts";
import {
  historyOf,
  SCRIPTED_LANE,
  System,
  scriptOf,
  statesOf,
  typesKnown,
} from "#test/support/system.ts";
import { until } from "#test/support/until.ts";

test("a worker whose consumers were deleted by hand puts them back and goes on", async () => {
  await using system = await System.start();
  const { gateway } = await system.running();
  const nc = await connect({ servers: system.nats.url });
  const jsm = await jetstreamManager(nc);
  const run = async (taskId: string) => {
    await gateway.client.submitTask({ taskId, spec: { input: scriptOf({}) } });
    const events = await historyOf(gateway, taskId);
    expect(statesOf(events)).toEqual(["RUNNING 1", "SUCCEEDED 1"]);
  };
  await run("before");
  for (const lane of ["p0", "p1", "p2", "p3", SCRIPTED_LANE]) {
    await jsm.consumers.delete("MR_QUEUE_default", lane);
  }
  await nc.close();
  await run("after");
  await checkLedger(system.nats.url, ["before", "after"]);
});

test("retries go on when the consumer that moves them was deleted by hand", async () => {
  await using system = await System.start();
  const { gateway } = await system.running();
  const nc = await connect({ servers: system.nats.url });
  await (await jetstreamManager(nc)).consumers.delete("MR_SCHEDULE", "mover");
  await nc.close();

  const { task } = await gateway.client.submitTask({ spec: { input: scriptOf({ failures: 1 }) } });
  const events = await historyOf(gateway, task?.id ?? "");
  expect(statesOf(events)).toEqual(["RUNNING 1", "RETRYING 1", "RUNNING 2", "SUCCEEDED 2"]);
  await checkLedger(system.nats.url, [task?.id ?? ""]);
});

faultRow(
  "a deleted queue is made anew, and callers who repeat lose no task that lay in it",
  async (row) => {
    await using system = await System.start();
    await using gate = await openGate();
    const gateway = await system.gateway();
    await system.worker({ MILLRACE_WORKER_CONCURRENCY: "1" });
    await typesKnown(gateway);
    const script = { gate: gate.url };
    await submitPatiently(() => [gateway], "holds-the-worker", script);
    await gate.arrived();
    const waiting = Array.from({ length: 20 }, (_, index) => `waiting-${index}`);
    await Promise.all(waiting.map((id) => submitPatiently(() => [gateway], id, {})));

    await deleteStream(system.nats.url, "MR_QUEUE_default");
    const deletedAt = Date.now();
    gate.open();
    await submitPatiently(() => [gateway], "later", {});
    await watchPatiently(() => [gateway], "later");
    row.figure("new tasks ran again after", seconds(Date.now() - deletedAt));
    await Promise.all(waiting.map((id) => submitPatiently(() => [gateway], id, {})));
    const ids = ["holds-the-worker", "later", ...waiting];
    await Promise.all(ids.map((id) => watchPatiently(() => [gateway], id)));
    await checkLedger(system.nats.url, ids);
  },
);

for (const bucket of ["mr_workers", "mr_config"]) {
  faultRow(`services go on when the bucket ${bucket} was deleted by hand`, async (row) => {
    await using system = await System.start();
    const { gateway } = await system.running();
    const monitor = await system.monitor();
    await deleteStream(system.nats.url, `KV_${bucket}`);
    const deletedAt = Date.now();
    await until(() => streamExists(system.nats.url, `KV_${bucket}`));
    row.figure("there again after", seconds(Date.now() - deletedAt));
    const other = await system.gateway();
    await typesKnown(other);
    for (const some of [gateway, other]) {
      const { task } = await some.client.submitTask({ spec: { input: scriptOf({}) } });
      const events = await historyOf(some, task?.id ?? "");
      expect(statesOf(events)).toEqual(["RUNNING 1", "SUCCEEDED 1"]);
    }
    expect((await fetch(`${monitor.url}/readyz`)).ok).toBe(true);
  });
}

async function deleteStream(natsUrl: string, stream: string): Promise<void> {
  const nc = await connect({ servers: natsUrl });
  await (await jetstreamManager(nc)).streams.delete(stream);
  await nc.close();
}

async function streamExists(natsUrl: string, stream: string): Promise<boolean> {
  const nc = await connect({ servers: natsUrl });
  try {
    return Boolean(await (await jetstreamManager(nc)).streams.info(stream));
  } finally {
    await nc.close();
  }
}
