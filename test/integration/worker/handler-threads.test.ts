import { StringValueSchema, ValueSchema } from "@bufbuild/protobuf/wkt";
import pino from "pino";
import { expect, onTestFinished, test, vi } from "vitest";
import { onAbort } from "#lib/async/abort.ts";
import { loadSettings } from "#lib/process/load-settings.ts";
import { AttemptStopped } from "#lib/task/outcome.ts";
import { openGate } from "#test/support/gate.ts";
import { openNeed } from "#test/support/gated-worker/need.ts";
import type { Script } from "#test/support/scripted-worker/scripted.ts";
import { isolatedScriptOf } from "#test/support/system.ts";
import {
  HandlerThreads,
  type ThreadOptions,
} from "../../../services/worker/isolated/handler-threads.ts";
import { Stops } from "../../../services/worker/stops.ts";

const MODULE = import.meta.resolve("#test/support/scripted-worker/scripted.ts");

/** Long enough for what is not heard to pile up. */
const FLOOD_MS = 3_000;

const TYPE = {
  input: ValueSchema,
  output: StringValueSchema,
  alias: "",
  description: "",
  handler: () => expect.unreachable("it runs in the thread"),
};

function contextOf({ signal }: Stops) {
  return {
    ...{
      taskId: "t",
      number: 1,
      id: "t/1/1",
      idempotencyKey: "t/1",
      deadline: new Date(),
      checkpoint: null,
    },
    ...{ signal, report() {}, emit() {}, log() {} },
    saveCheckpoint: () => Promise.resolve(),
  };
}

/** What is said of threads that can't be started: the reasons, and whether they can be again. */
function outages() {
  const reasons: string[] = [];
  const over = Promise.withResolvers<void>();
  const onOutage = (reason: string) => {
    reasons.push(reason);
    return { [Symbol.dispose]: () => over.resolve() };
  };
  return { reasons, onOutage, over: over.promise };
}

function open(options: Partial<ThreadOptions>, args: string[] = []) {
  const settings = loadSettings("worker", {}, ["node", "worker", ...args]);
  const log = pino({ level: "silent" });
  const { onOutage } = outages();
  return new HandlerThreads({
    module: MODULE,
    settings,
    keepSpare: true,
    onOutage,
    log,
    ...options,
  });
}

test("a handler that says more than its worker can hear waits, so that nothing piles up", async () => {
  await using threads = open({});
  using stops = new Stops();
  let heard = 0;
  let heardAtEnd = 0;
  const notes = {
    relay() {
      heard += 1;
    },
  };
  using _ = onAbort(stops.end, () => {
    heardAtEnd = heard;
  });
  const input = isolatedScriptOf({ runaway: "endless log" });
  using handler = await threads.prepare({ type: TYPE, input, stops });
  stops.startLimits({ softMs: 1, hardMs: FLOOD_MS, endsTask: false });
  expect(await handler?.call({ context: contextOf(stops), notes })).toBeUndefined();
  expect(heardAtEnd).toBeGreaterThan(1_000);
  expect(heard - heardAtEnd).toBeLessThanOrEqual(256);
});

const input = isolatedScriptOf({ tellThread: true });
const notes = { relay() {} };

test("when a thread could not load its task types no handler is called, and it is said when one can be", async () => {
  await using need = await openNeed();
  vi.stubEnv("LOAD_GATE", need.url);
  onTestFinished(() => void vi.unstubAllEnvs());
  const module = import.meta.resolve("#test/support/gated-worker/gated-types.ts");
  const { reasons, onOutage, over } = outages();
  await using threads = open({ module, onOutage });
  using stops = new Stops();
  expect(await threads.prepare({ type: TYPE, input, stops })).toBeUndefined();
  expect(reasons).toEqual([
    "no handler thread can be started: the handler's thread died: what the task types need is away: 503",
  ]);
  need.comesBack();
  await over;
  using handler = await threads.prepare({ type: TYPE, input, stops });
  const end = await handler?.call({ context: contextOf(stops), notes });
  expect(end).toMatchObject({ kind: "succeeded" });
});

test("an attempt does not wait for a thread that broke before it was ready", async () => {
  const settings = loadSettings("worker", {}, ["node", "worker"]);
  const { reasons, onOutage } = outages();
  // Too little to start in. What is allowed is enough for a bare thread, but not for all that NODE_OPTIONS may preload.
  await using threads = open({ settings: { ...settings, isolatedHeapMb: 4 }, onOutage });
  using stops = new Stops();
  expect(await threads.prepare({ type: TYPE, input, stops })).toBeUndefined();
  expect(reasons).toEqual([
    "no handler thread can be started: the handler's thread ran out of its 4 MB of heap",
  ]);
});

test("a thread that was not called after all is free for the next attempt", async () => {
  await using threads = open({}, ["--worker-concurrency", "1"]);
  using stops = new Stops();
  const call = async () => {
    using handler = await threads.prepare({ type: TYPE, input, stops });
    return await handler?.call({ context: contextOf(stops), notes });
  };
  const first = await call();
  const left = await threads.prepare({ type: TYPE, input, stops });
  left?.[Symbol.dispose]();
  expect(await call()).toEqual(first);
});

/** Has a thread for the script, which is called when the test says so. */
async function prepareFor(threads: HandlerThreads, script: Script) {
  const stops = new Stops();
  const told = isolatedScriptOf({ ...script, tellThread: true });
  const handler = await threads.prepare({ type: TYPE, input: told, stops });
  return async () => {
    using _stops = stops;
    using _handler = handler;
    return await handler?.call({ context: contextOf(stops), notes });
  };
}

/** The thread that plays the script, as the end of its handler says. */
async function threadOf(threads: HandlerThreads, script: Script) {
  const call = await prepareFor(threads, script);
  return call();
}

const LEFT_TIMER: Script = { leaves: { runaway: "process exit", afterMs: 60_000 } };

test("a thread in which a handler left a timer is not used again, and the handler's end counts", async () => {
  await using threads = open({}, ["--worker-concurrency", "1"]);
  const first = await threadOf(threads, LEFT_TIMER);
  expect(first).toMatchObject({ kind: "succeeded" });
  const second = await threadOf(threads, {});
  expect(second).toMatchObject({ kind: "succeeded" });
  expect(second).not.toEqual(first);
});

test("a handler's end counts also when what it left ends the thread at once", async () => {
  await using threads = open({}, ["--worker-concurrency", "1"]);
  const now: Script = { leaves: { runaway: "process exit", afterMs: 0 } };
  for (let each = 0; each < 5; each += 1) {
    expect(await threadOf(threads, now)).toMatchObject({ kind: "succeeded" });
  }
});

test("a thread whose handlers cleaned up is used again, with the connections that they keep", async () => {
  await using threads = open({}, ["--worker-concurrency", "1"]);
  await using gate = await openGate();
  const { url } = gate;
  const scripts: Script[] = [
    { gate: url },
    { charge: url },
    { gate: url, gateMs: 60_000 },
    { gate: "http://127.0.0.1:1/", gateMs: 60_000 },
    { gate: url, gateMs: 1 },
    { steps: 2, idleMs: 20 },
    { failures: 1 },
    { stray: { how: "rejection", afterMs: 0 } },
  ];
  const first = await threadOf(threads, {});
  expect(first).toMatchObject({ kind: "succeeded" });
  for (const script of scripts) {
    if (script.gateMs !== 1) gate.open();
    await threadOf(threads, script);
    expect(await threadOf(threads, {}), JSON.stringify(script)).toEqual(first);
  }
});

test("an attempt that is given a thread which then ends by what was left in it gets another", async () => {
  const { reasons, onOutage } = outages();
  await using threads = open({ keepSpare: false, onOutage });
  const calls = await Promise.all([1, 2].map(() => prepareFor(threads, { unseen: "slow exit" })));
  const ends = await Promise.all(calls.map((call) => call()));
  for (const end of ends) expect(end).toMatchObject({ kind: "succeeded" });
  expect(await threadOf(threads, {})).toMatchObject({ kind: "succeeded" });
  expect(reasons).toEqual([]);
});

test("a thread that breaks while it has no attempt keeps no other from starting", async () => {
  await using load = await openGate();
  vi.stubEnv("LOAD_GATE", load.url);
  onTestFinished(() => void vi.unstubAllEnvs());
  const module = import.meta.resolve("#test/support/gated-worker/gated-types.ts");
  const { reasons, onOutage } = outages();
  const broke = Promise.withResolvers<void>();
  const write = (line: string) => {
    if (line.includes("a handler thread broke that had no attempt")) broke.resolve();
  };
  const settings = loadSettings("worker", {}, ["node", "worker", "--isolated-heap-mb", "64"]);
  const log = pino({}, { write });
  await using threads = open({ module, settings, keepSpare: false, onOutage, log });
  load.open();
  const call = await prepareFor(threads, { unseen: "memory" });
  await load.arrived();
  const second = threadOf(threads, {});
  await load.arrived();
  expect(await call()).toMatchObject({ kind: "succeeded" });
  await broke.promise;
  load.open();
  expect(await second).toMatchObject({ kind: "succeeded" });
  expect(reasons).toEqual([]);
});

test("a stop ends the wait for a thread, and is no outage", async () => {
  const { reasons, onOutage } = outages();
  await using threads = open({ onOutage });
  using stops = new Stops();
  const prepared = threads.prepare({ type: TYPE, input, stops });
  stops.stop(new AttemptStopped("leaving", "the worker has to leave"));
  expect(await prepared).toBeUndefined();
  expect(reasons).toEqual([]);
});
