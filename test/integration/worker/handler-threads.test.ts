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
  const context = {
    ...{ taskId: "t", number: 1, idempotencyKey: "t/1", deadline: new Date(), checkpoint: null },
    ...{ signal: stops.signal, report() {}, emit() {}, log() {} },
    saveCheckpoint: () => Promise.resolve(),
  };
  stops.startLimits({ softMs: 1, hardMs: FLOOD_MS, endsTask: false });
  const input = isolatedScriptOf({ runaway: "endless log" });
  expect(await threads.run({ type: TYPE, input, context, stops, notes })).toBeUndefined();
  expect(heardAtEnd).toBeGreaterThan(1_000);
  expect(heard - heardAtEnd).toBeLessThanOrEqual(256);
});
