import { jetstreamManager } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import { expect, test } from "vitest";
import { checkLedger } from "#test/support/ledger.ts";
import { historyOf, System, scriptOf, statesOf } from "#test/support/system.ts";

test("a worker whose consumers were deleted by hand puts them back and goes on", async () => {
  await using system = await System.start();
  const { gateway } = await system.running();
  const nc = await connect({ servers: system.nats.url });
  const jsm = await jetstreamManager(nc);
  for (const level of ["p0", "p1", "p2", "p3"]) {
    await jsm.consumers.delete("MR_QUEUE_default", level);
  }
  await nc.close();

  const { task } = await gateway.client.submitTask({ spec: { input: scriptOf({}) } });
  const events = await historyOf(gateway, task?.id ?? "");
  expect(statesOf(events)).toEqual(["RUNNING 1", "SUCCEEDED 1"]);
  await checkLedger(system.nats.url, [task?.id ?? ""]);
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
