import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { expect, test } from "vitest";
import { openGate } from "#test/support/gate.ts";
import { openNeed } from "#test/support/gated-worker/need.ts";
import { checkLedger } from "#test/support/ledger.ts";
import type { Service } from "#test/support/service.ts";
import {
  type Gateway,
  historyOf,
  isolatedScriptOf,
  SCRIPTED_TYPES,
  System,
  statesOf,
  typesKnown,
} from "#test/support/system.ts";
import { until } from "#test/support/until.ts";

const UNABLE = "no handler thread can be started; no tasks are taken until one can";
const GATED_WORKER = "test/support/gated-worker/main.ts";

async function submit({ client }: Gateway): Promise<string> {
  const spec = { input: isolatedScriptOf({}), retryPolicy: { maxAttempts: 1 } };
  return (await client.submitTask({ spec })).task?.id ?? "";
}

/** What is needed to let a process have fewer file handles, and to see which it has. */
const CAN_LIMIT = spawnSync("prlimit", ["--version"]).status === 0 && existsSync("/proc/self/fd");

function limitHandles({ pid }: Service, count: number): void {
  execFileSync("prlimit", ["--pid", String(pid), `--nofile=${count}:`]);
}

/** One gets the lowest number that is free. */
function nextHandle({ pid }: Service): number {
  const open = new Set(readdirSync(`/proc/${pid}/fd`).map(Number));
  for (let handle = 0; ; handle += 1) if (!open.has(handle)) return handle;
}

test("a worker that is killed before a handler could be called costs the task neither a crash nor an attempt", async () => {
  await using system = await System.start();
  await using gate = await openGate();
  const [gateway, doomed] = await Promise.all([
    system.gateway(),
    system.worker({ LOAD_GATE: gate.url }, GATED_WORKER),
  ]);
  await typesKnown(gateway, SCRIPTED_TYPES);
  const taskId = await submit(gateway);
  // Its thread loads what it needs.
  await gate.arrived();
  doomed.service.kill("SIGKILL");
  const other = await system.worker();

  expect(statesOf(await historyOf(gateway, taskId))).toEqual(["RUNNING 1", "SUCCEEDED 1"]);
  const { task } = await gateway.client.getTask({ taskId });
  expect(task).toMatchObject({ crashes: 0, failures: 0, workerId: other.id });
  await checkLedger(system.nats.url, [taskId]);
});

test("a worker that can't start a thread leaves tasks to others, is red with the reason, and works again when it can", async () => {
  await using system = await System.start();
  await using need = await openNeed();
  const [gateway, worker] = await Promise.all([
    system.gateway(),
    system.worker({ LOAD_GATE: need.url }, GATED_WORKER),
  ]);
  await typesKnown(gateway, SCRIPTED_TYPES);
  const first = await submit(gateway);
  await worker.service.logged(UNABLE);
  const readyz = await fetch(`${worker.url}/readyz`);
  expect(readyz.ok).toBe(false);
  expect(await readyz.text()).toContain("what the task types need is away: 503");

  {
    await using other = await system.worker();
    expect(statesOf(await historyOf(gateway, first))).toEqual(["RUNNING 1", "SUCCEEDED 1"]);
    const { task } = await gateway.client.getTask({ taskId: first });
    expect(task).toMatchObject({ crashes: 0, failures: 0, workerId: other.id });
  }
  const second = await submit(gateway);
  need.comesBack();
  await until(async () => (await fetch(`${worker.url}/readyz`)).ok);
  expect(statesOf(await historyOf(gateway, second))).toEqual(["RUNNING 1", "SUCCEEDED 1"]);
  const { task } = await gateway.client.getTask({ taskId: second });
  expect(task).toMatchObject({ crashes: 0, failures: 0, workerId: worker.id });
  await checkLedger(system.nats.url, [first, second]);
});

test.skipIf(!CAN_LIMIT)(
  "a worker without file handles starts no task, and starts it when it has some again",
  async () => {
    await using system = await System.start();
    const { gateway, worker } = await system.running();
    limitHandles(worker.service, nextHandle(worker.service));
    const taskId = await submit(gateway);
    const { err } = await worker.service.logged(UNABLE);
    expect(err).toMatchObject({ code: "ERR_WORKER_INIT_FAILED" });
    expect((await gateway.client.getTask({ taskId })).task).toMatchObject({ attempt: 0 });
    limitHandles(worker.service, 4_096);
    expect(statesOf(await historyOf(gateway, taskId))).toEqual(["RUNNING 1", "SUCCEEDED 1"]);
    await checkLedger(system.nats.url, [taskId]);
  },
);
