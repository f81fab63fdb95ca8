import { describe, expect } from "vitest";
import type { TaskEvent } from "#gen/millrace/v1/task_pb.ts";
import { openGate } from "#test/support/gate.ts";
import { checkLedger } from "#test/support/ledger.ts";
import { testOnSharedSystem } from "#test/support/shared-system.ts";
import {
  type Gateway,
  historyOf,
  isolatedScriptOf,
  outputOf,
  scriptOf,
  statesOf,
} from "#test/support/system.ts";

/** Besides the shared worker's, a queue for each test that kills or freezes workers of its own. */
const test = testOnSharedSystem({ MILLRACE_QUEUES: "default,own-thread,other-thread,frozen" });

const INPUTS = [
  ["in the worker's own thread", scriptOf, "own-thread"],
  ["in a thread of its own", isolatedScriptOf, "other-thread"],
] as const;

async function submit(
  { client }: Gateway,
  input: ReturnType<typeof scriptOf>,
  queue = "default",
): Promise<string> {
  const { task } = await client.submitTask({ spec: { input, queue } });
  return task?.id ?? "";
}

async function taskOf({ client }: Gateway, taskId: string) {
  return (await client.getTask({ taskId })).task;
}

/** Each with the number of its attempt. */
function checkpointsOf(events: readonly TaskEvent[]): unknown[] {
  return events.flatMap(({ facet }) =>
    facet.case === "checkpoint" ? [[facet.value.attempt, facet.value.state?.kind.value]] : [],
  );
}

// What takes long here is waiting for leases to end, not work.
describe.concurrent.each(INPUTS)("a handler %s", (_, inputOf, queue) => {
  test("goes on from its checkpoint after a failure, and a watcher sees what it saved", async ({
    gateway,
  }) => {
    const id = await submit(gateway, inputOf({ countTo: 4, gateAtCount: 2, failures: 1 }));
    const events = await historyOf(gateway, id);
    expect(statesOf(events)).toEqual(["RUNNING 1", "RETRYING 1", "RUNNING 2", "SUCCEEDED 2"]);
    expect(checkpointsOf(events)).toEqual([
      [1, 1],
      [1, 2],
      [2, 3],
      [2, 4],
    ]);
    expect(outputOf(await taskOf(gateway, id))).toBe("counted from 2 to 4");
  });

  test("goes on from its checkpoint after its worker was killed", async ({ system, gateway }) => {
    await using gate = await openGate();
    await using worker = await system.worker({ MILLRACE_QUEUES: queue });
    const input = inputOf({ countTo: 5, gateAtCount: 3, gate: gate.url });
    const id = await submit(gateway, input, queue);
    await gate.arrived();
    worker.service.kill("SIGKILL");
    await using _worker = await system.worker({ MILLRACE_QUEUES: queue });
    const events = await historyOf(gateway, id);
    expect(statesOf(events)).toEqual(["RUNNING 1", "RUNNING 2", "SUCCEEDED 2"]);
    expect(outputOf(await taskOf(gateway, id))).toBe("counted from 3 to 5");
    await checkLedger(system.nats.url, [id]);
  });

  test("that saves more than a checkpoint may have is told so", async ({ gateway }) => {
    const id = await submit(gateway, inputOf({ checkpoint: "x".repeat(16_383) }));
    const events = await historyOf(gateway, id);
    expect(statesOf(events)).toEqual(["RUNNING 1", "FAILED 1"]);
    const { error } = (await taskOf(gateway, id)) ?? {};
    expect(error).toMatchObject({ code: "CHECKPOINT_TOO_LARGE", retryable: false });
    expect(error?.message).toContain("16385 bytes as JSON; 16384 are allowed");
    const largest = await submit(gateway, inputOf({ checkpoint: "x".repeat(16_382) }));
    expect(statesOf(await historyOf(gateway, largest))).toEqual(["RUNNING 1", "SUCCEEDED 1"]);
  });
});

test.concurrent("a task that is started again after its end goes on from its last checkpoint", async ({
  gateway,
}) => {
  const failing = { countTo: 4, gateAtCount: 2, failures: 1, failureCode: "NO_CREDIT" };
  const { task } = await gateway.client.submitTask({
    spec: { input: scriptOf(failing), retryPolicy: { maxAttempts: 1 } },
  });
  const id = task?.id ?? "";
  expect(statesOf(await historyOf(gateway, id))).toEqual(["RUNNING 1", "FAILED 1"]);
  await gateway.client.retryTask({ taskId: id });
  await expect
    .poll(async () => outputOf(await taskOf(gateway, id)), { timeout: 30_000 })
    .toBe("counted from 2 to 4");
});

test.concurrent("a worker that was frozen past its lease can't save a checkpoint when it wakes up", async ({
  system,
  gateway,
}) => {
  const queue = "frozen";
  await using gate = await openGate();
  await using zombie = await system.worker({ MILLRACE_QUEUES: queue });
  const input = scriptOf({ gate: gate.url, checkpoint: "mine", deaf: true });
  const id = await submit(gateway, input, queue);
  await gate.arrived();
  zombie.service.kill("SIGSTOP");
  await using _other = await system.worker({ MILLRACE_QUEUES: queue });
  await gate.arrived();
  zombie.service.kill("SIGCONT");
  gate.open();
  await zombie.service.logged("attempt ended", ({ outcome }) => outcome === "canceled");
  const events = await historyOf(gateway, id);
  expect(statesOf(events)).toEqual(["RUNNING 1", "RUNNING 2", "SUCCEEDED 2"]);
  expect(checkpointsOf(events)).toEqual([[2, "mine"]]);
  await checkLedger(system.nats.url, [id]);
});
