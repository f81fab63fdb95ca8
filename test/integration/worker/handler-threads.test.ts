import { StringValueSchema, ValueSchema } from "@bufbuild/protobuf/wkt";
import pino from "pino";
import { expect, test } from "vitest";
import { onAbort } from "#lib/process/leaving.ts";
import { loadSettings } from "#lib/process/load-settings.ts";
import { isolatedScriptOf } from "#test/support/system.ts";
import { HandlerThreads } from "../../../services/worker/isolated/handler-threads.ts";
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

test("a handler that says more than its worker can hear waits, so that nothing piles up", async () => {
  const settings = loadSettings("worker", {}, ["node", "worker"]);
  const log = pino({ level: "silent" });
  await using threads = new HandlerThreads({ module: MODULE, settings, log });
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
  const context = contextOf(stops);
  stops.startLimits({ softMs: 1, hardMs: FLOOD_MS, endsTask: false });
  const input = isolatedScriptOf({ runaway: "endless log" });
  expect(await threads.run({ type: TYPE, input, context, stops, notes })).toBeUndefined();
  expect(heardAtEnd).toBeGreaterThan(1_000);
  expect(heard - heardAtEnd).toBeLessThanOrEqual(256);
});

test("a thread that could not load its task types loads them for its next attempt", async () => {
  const settings = loadSettings("worker", {}, ["node", "worker", "--worker-concurrency", "1"]);
  const log = pino({ level: "silent" });
  const module = import.meta.resolve("#test/support/flaky-types.ts");
  await using threads = new HandlerThreads({ module, settings, log });
  const run = async () => {
    using stops = new Stops();
    const notes = { relay() {} };
    const input = isolatedScriptOf({ tellThread: true });
    return threads.run({ type: TYPE, input, context: contextOf(stops), stops, notes });
  };
  expect(await run()).toMatchObject({
    kind: "retry",
    message: "the handler's thread died: the settings can't be read",
  });
  expect(await run()).toMatchObject({ kind: "succeeded" });
});

test("an attempt does not wait for a thread that broke before it was ready", async () => {
  const settings = loadSettings("worker", {}, ["node", "worker"]);
  const log = pino({ level: "silent" });
  // Too little to start in. What is allowed is enough for a bare thread, but not for all that NODE_OPTIONS may preload.
  const tiny = { ...settings, isolatedHeapMb: 4 };
  await using threads = new HandlerThreads({ module: MODULE, settings: tiny, log });
  using stops = new Stops();
  const notes = { relay() {} };
  const input = isolatedScriptOf({ tellThread: true });
  const cue = { type: TYPE, input, context: contextOf(stops), stops, notes };
  expect(await threads.run(cue)).toEqual({
    kind: "retry",
    code: "OUT_OF_MEMORY",
    message: "the handler's thread ran out of its 4 MB of heap",
  });
});
