import { expect, test } from "vitest";
import { openGate } from "#test/support/gate.ts";
import { checkLedger } from "#test/support/ledger.ts";
import { watchPatiently } from "#test/support/patient-watch.ts";
import { System, scriptOf, statesOf } from "#test/support/system.ts";

/** Longer than the lease of a delivery, so that the broker hands the task out anew when it is back. */
const AWAY_MS = 9_000;

async function outage(system: System): Promise<void> {
  await system.nats.kill("SIGKILL");
  await new Promise((resolve) => setTimeout(resolve, AWAY_MS));
  await system.nats.restart();
}

test("an attempt that outlives a long outage of the broker goes on, and its outcome counts", async () => {
  await using system = await System.start();
  await using gate = await openGate();
  const { gateway, worker } = await system.running();
  await system.worker();
  const { task } = await gateway.client.submitTask({
    spec: { input: scriptOf({ gate: gate.url }) },
  });
  const taskId = task?.id ?? "";
  await gate.arrived();

  await outage(system);
  await gateway.ready();
  await worker.ready();
  // Long enough for the broker to hand it out anew, to its own worker or to the other.
  await new Promise((resolve) => setTimeout(resolve, AWAY_MS));
  gate.open();

  const { events } = await watchPatiently(() => [gateway], taskId);
  expect(statesOf(events)).toEqual(["RUNNING 1", "SUCCEEDED 1"]);
  const { task: after } = await gateway.client.getTask({ taskId });
  expect(after).toMatchObject({ attempt: 1, crashes: 0, failures: 0 });
  await checkLedger(system.nats.url, [taskId]);
});

test("output that had to wait for the broker comes before the end of the attempt", async () => {
  await using system = await System.start();
  await using gate = await openGate();
  const { gateway, worker } = await system.running();
  const { task } = await gateway.client.submitTask({
    spec: { input: scriptOf({ gate: gate.url, stepsAfterGate: 3 }) },
  });
  const taskId = task?.id ?? "";
  await gate.arrived();
  await system.nats.kill("SIGKILL");
  await worker.service.logged("broker is away");
  gate.open();
  await new Promise((resolve) => setTimeout(resolve, 1_000));
  await system.nats.restart();

  const { events } = await watchPatiently(() => [gateway], taskId);
  const words = events.flatMap(({ facet }) =>
    facet.case === "output" ? [facet.value.content.value] : [],
  );
  expect(words.join("")).toBe("word1 word2 word3 ");
  expect(events.filter(({ facet }) => facet.case === "log")).toHaveLength(3);
  expect(statesOf(events)).toEqual(["RUNNING 1", "SUCCEEDED 1"]);
  await checkLedger(system.nats.url, [taskId]);
});
