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

test("a worker that was frozen past its lease writes nothing when it wakes up", async () => {
  await using system = await System.start();
  await using gate = await openGate();
  const { gateway, worker: zombie } = await system.running();
  const { task } = await gateway.client.submitTask({
    spec: { input: scriptOf({ steps: 1, gate: gate.url }) },
  });
  const taskId = task?.id ?? "";
  await gate.arrived();

  zombie.service.kill("SIGSTOP");
  const other = await system.worker();
  await gate.arrived();
  zombie.service.kill("SIGCONT");
  gate.open();
  await zombie.service.logged("attempt ended", (entry) => entry["written"] === false);
  await other.service.logged("attempt ended");

  const events = await historyOf(gateway, taskId);
  expect(statesOf(events)).toEqual(["RUNNING 1", "RUNNING 2", "SUCCEEDED 2"]);
  await checkLedger(system.nats.url, [taskId]);
});

test("a task that takes its workers down fails with WORKER_LOST, and other tasks go on", async () => {
  await using system = await System.start({ MILLRACE_MAX_CRASHES: "2" });
  const { gateway } = await system.running();
  const { task } = await gateway.client.submitTask({ spec: { input: scriptOf({ crashes: 99 }) } });
  const taskId = task?.id ?? "";
  const watched = historyOf(gateway, taskId);
  await system.worker();
  await system.worker();

  const events = await watched;
  expect(statesOf(events)).toEqual(["RUNNING 1", "RUNNING 2", "FAILED 2"]);
  const { task: after } = await gateway.client.getTask({ taskId });
  expect(after?.error).toMatchObject({ code: "WORKER_LOST", retryable: false });
  const { task: next } = await gateway.client.submitTask({ spec: { input: scriptOf({}) } });
  expect(statesOf(await historyOf(gateway, next?.id ?? ""))).toEqual(["RUNNING 1", "SUCCEEDED 1"]);
  await checkLedger(system.nats.url, [taskId, next?.id ?? ""]);
});
