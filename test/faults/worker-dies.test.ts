import { expect, test } from "vitest";
import { openGate } from "#test/support/gate.ts";
import { checkLedger } from "#test/support/ledger.ts";
import { historyOf, System, scriptOf, statesOf } from "#test/support/system.ts";

test("a task whose worker is killed runs again elsewhere within 10 s, on the watcher's one open stream", async () => {
  await using system = await System.start();
  await using gate = await openGate();
  const { gateway, worker: doomed } = await system.running();
  const { task } = await gateway.client.submitTask({
    spec: { input: scriptOf({ steps: 1, gate: gate.url }) },
  });
  const taskId = task?.id ?? "";
  const watched = historyOf(gateway, taskId);
  await gate.arrived();

  const other = await system.worker();
  const killedAt = Date.now();
  doomed.service.kill("SIGKILL");
  await gate.arrived();
  expect(Date.now() - killedAt).toBeLessThan(10_000);
  gate.open();

  const events = await watched;
  expect(statesOf(events)).toEqual(["RUNNING 1", "RUNNING 2", "SUCCEEDED 2"]);
  const { task: after } = await gateway.client.getTask({ taskId });
  expect(after).toMatchObject({ crashes: 1, failures: 0, workerId: other.id });
  await checkLedger(system.nats.url, [taskId]);
});
