import { expect, test } from "vitest";
import { openTestBroker } from "#test/support/broker.ts";
import { openGate } from "#test/support/gate.ts";
import { historyOf, System, scriptOf, statesOf } from "#test/support/system.ts";
import { until } from "#test/support/until.ts";

const IMPATIENT = { ping_interval: "1s", ping_max: 2 };

test("a worker that was cut off when its task was canceled stops the attempt when it is back", async () => {
  await using system = await System.start({}, { monitorPort: 0, extraConfig: IMPATIENT });
  await using gate = await openGate();
  const { gateway, worker } = await system.running();
  const { task } = await gateway.client.submitTask({
    spec: { input: scriptOf({ gate: gate.url }) },
  });
  const id = task?.id ?? "";
  await gate.arrived();
  worker.service.kill("SIGSTOP");
  // The server gives a connection up that does not answer; what is said then never reaches the worker.
  await until(async () => !(await isConnected(system.nats.monitorUrl)), 55_000);
  await gateway.client.cancelTask({ taskId: id });
  worker.service.kill("SIGCONT");
  await worker.service.logged("attempt ended", ({ outcome }) => outcome === "canceled");
  expect(statesOf(await historyOf(gateway, id))).toEqual(["RUNNING 1", "CANCELED 1"]);
}, 120_000);

async function isConnected(monitorUrl: string | undefined): Promise<boolean> {
  const answer = await fetch(`${monitorUrl}/connz`);
  const { connections } = (await answer.json()) as { connections: { name?: string }[] };
  return connections.some(({ name }) => name === "millrace worker");
}

test("an attempt that a late cancel was not meant for is handed back at once, and costs neither a retry nor a crash", async () => {
  await using system = await System.start();
  await using gate = await openGate();
  const { gateway } = await system.running();
  const { task } = await gateway.client.submitTask({
    spec: { input: scriptOf({ gate: gate.url }) },
  });
  const taskId = task?.id ?? "";
  await gate.arrived();
  // As it comes in when a canceled task was started again before all workers were told of the cancel.
  await using broker = await openTestBroker(system.nats.url);
  await broker.cancels.tell({ taskId, epoch: undefined, newest: Number.POSITIVE_INFINITY });
  await gate.arrived();
  gate.open();
  const states = ["RUNNING 1", "QUEUED 1", "RUNNING 2", "SUCCEEDED 2"];
  expect(statesOf(await historyOf(gateway, taskId))).toEqual(states);
  const { task: after } = await gateway.client.getTask({ taskId });
  expect(after).toMatchObject({ crashes: 0, failures: 0 });
});
