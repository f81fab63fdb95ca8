import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { expect, test } from "vitest";
import { openGate } from "#test/support/gate.ts";
import { openNeed } from "#test/support/gated-worker/need.ts";
import { checkLedger } from "#test/support/ledger.ts";
import { metricsOf, sampleOf } from "#test/support/metrics-text.ts";
import type { Script } from "#test/support/scripted-worker/scripted.ts";
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

async function submit({ client }: Gateway, script: Script = {}): Promise<string> {
  const spec = { input: isolatedScriptOf(script), retryPolicy: { maxAttempts: 1 } };
  return (await client.submitTask({ spec })).task?.id ?? "";
}

async function attemptOf({ client }: Gateway, taskId: string): Promise<number | undefined> {
  return (await client.getTask({ taskId })).task?.attempt;
}

async function spareReady({ url }: { readonly url: string }): Promise<void> {
  await until(async () => sampleOf(await metricsOf(url), "millrace_worker_spare_threads") === 1);
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

test("a worker has a thread ready before the first task of an isolated type comes, and the next one when that is taken", async () => {
  await using system = await System.start();
  await using gate = await openGate();
  await using task = await openGate();
  const [gateway, worker] = await Promise.all([
    system.gateway(),
    system.worker({ LOAD_GATE: gate.url }, GATED_WORKER),
  ]);
  await typesKnown(gateway, SCRIPTED_TYPES);
  // Nobody has asked for anything yet.
  await gate.arrived();
  gate.open();
  await spareReady(worker);
  const first = await submit(gateway, { gate: task.url });
  // It runs, while no other thread can get ready.
  await task.arrived();
  await gate.arrived();
  gate.open();
  await spareReady(worker);
  const second = await submit(gateway);
  expect(statesOf(await historyOf(gateway, second))).toEqual(["RUNNING 1", "SUCCEEDED 1"]);
  task.open();
  expect(statesOf(await historyOf(gateway, first))).toEqual(["RUNNING 1", "SUCCEEDED 1"]);
  await checkLedger(system.nats.url, [first, second]);
});

test("a worker without isolated types has no thread for them", async () => {
  await using system = await System.start();
  const worker = await system.worker({}, "services/worker/main.ts");
  expect(sampleOf(await metricsOf(worker.url), "millrace_worker_threads")).toBe(0);
});

test("a worker that is killed before a handler could be called costs the task neither a crash nor an attempt", async () => {
  await using system = await System.start();
  await using gate = await openGate();
  const [gateway, doomed] = await Promise.all([
    system.gateway(),
    system.worker({ LOAD_GATE: gate.url }, GATED_WORKER),
  ]);
  await typesKnown(gateway, SCRIPTED_TYPES);
  // The spare thread loads what it needs, and then the task's own.
  await gate.arrived();
  const taskId = await submit(gateway);
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
    await spareReady(worker);
    limitHandles(worker.service, nextHandle(worker.service));
    // It has the thread that was ready, and keeps it.
    const first = await submit(gateway, { runaway: "atomics wait" });
    await until(async () => (await attemptOf(gateway, first)) === 1);
    const taskId = await submit(gateway);
    const { err } = await worker.service.logged(UNABLE);
    expect(err).toMatchObject({ code: "ERR_WORKER_INIT_FAILED" });
    expect(await attemptOf(gateway, taskId)).toBe(0);
    limitHandles(worker.service, 4_096);
    expect(statesOf(await historyOf(gateway, taskId))).toEqual(["RUNNING 1", "SUCCEEDED 1"]);
    await checkLedger(system.nats.url, [taskId]);
  },
);
