import { timestampMs } from "@bufbuild/protobuf/wkt";
import { expect, test } from "vitest";
import type { TaskEvent } from "#gen/millrace/v1/task_pb.ts";
import { startTestCluster } from "#test/support/cluster.ts";
import { sized } from "#test/support/fault-row.ts";
import type { Script } from "#test/support/scripted-worker/scripted.ts";
import {
  historyOf,
  isolatedScriptOf,
  SCRIPTED_TYPES,
  System,
  scriptOf,
  statesOf,
  typesKnown,
  wordsOf,
} from "#test/support/system.ts";

const MB = 1_000_000;
/** What an outcome may be later than its handler's end, and what a busy machine adds. */
const BOUND_MS = 4_000;
const SLACK_MS = 3_000;

/** What is left out, as the log of the task says it. */
const GAP = /^left out here: (\d+) bytes of output and (\d+) log lines/;

function toldBy(events: readonly TaskEvent[]) {
  const said = events.flatMap(({ facet }) => (facet.case === "log" ? [facet.value.message] : []));
  const gaps = said.flatMap((message) => GAP.exec(message) ?? []);
  return {
    lines: said.filter((message) => !GAP.test(message)).length,
    bytes: Buffer.byteLength(wordsOf(events)),
    leftOut: { bytes: Number(gaps[1] ?? 0), lines: Number(gaps[2] ?? 0) },
    gaps: said.filter((message) => GAP.test(message)).length,
  };
}

/** How long the task was RUNNING, by the broker's clock. */
function ranMs(events: readonly TaskEvent[]): number {
  const times = events.flatMap(({ facet, time }) =>
    facet.case === "state" && time ? [timestampMs(time)] : [],
  );
  return (times.at(-1) ?? 0) - (times[0] ?? 0);
}

const WORD = "word1 ".length;
const WORDS = Array.from({ length: 100 }, (_, index) => `word${index + 1} `).join("").length;

const SPEECHES: [string, Script, { bytes: number; lines: number }][] = [
  ["3 MB of output at once", { steps: 1, stepBytes: 3 * MB }, { bytes: 3 * MB + WORD, lines: 1 }],
  ["100 pieces of 30 KB", { steps: 100, stepBytes: 30_000 }, { bytes: 3 * MB + WORDS, lines: 100 }],
  ["3,000 log lines", { lines: 3_000 }, { bytes: 0, lines: 3_000 }],
  [
    "12 MB of output at once",
    { steps: 1, stepBytes: 12 * MB },
    { bytes: 12 * MB + WORD, lines: 1 },
  ],
  ["15,000 log lines", { lines: 15_000 }, { bytes: 0, lines: 15_000 }],
];

async function startSystem() {
  const system = System.on(await startTestCluster(), { MILLRACE_REPLICAS: "3" });
  const [gateway] = await Promise.all([system.gateway(), system.worker()]);
  await typesKnown(gateway, SCRIPTED_TYPES);
  return { system, gateway };
}

test("on a cluster of three, what a handler says at once is stored or a line says how much is not, and its outcome is soon there", async () => {
  const { system, gateway } = await startSystem();
  await using _ = system;
  for (const [name, script, said] of SPEECHES.slice(0, sized({ short: 4, long: 5 }))) {
    // Most of an isolated handler's way is that of any other.
    const isolated = said.lines === 3_000 ? [isolatedScriptOf(script)] : [];
    for (const input of [scriptOf(script), ...isolated]) {
      const { task } = await gateway.client.submitTask({ spec: { input } });
      const events = await historyOf(gateway, task?.id ?? "");
      expect(statesOf(events), name).toEqual(["RUNNING 1", "SUCCEEDED 1"]);
      const { lines, bytes, leftOut, gaps } = toldBy(events);
      expect({ bytes: bytes + leftOut.bytes, lines: lines + leftOut.lines }, name).toEqual(said);
      expect(gaps, name).toBeLessThanOrEqual(1);
      expect(ranMs(events), name).toBeLessThan(BOUND_MS + SLACK_MS);
    }
  }
}, 120_000);

test("on a cluster of three, limits and cancels stop a handler that says more than the log takes", async () => {
  const { system, gateway } = await startSystem();
  await using _ = system;
  const submit = async (spec: object) => {
    const input = isolatedScriptOf({ runaway: "endless log" });
    const { task } = await gateway.client.submitTask({ spec: { input, ...spec } });
    return task?.id ?? "";
  };
  const attemptTimeout = { seconds: 2n };
  const attemptSoftTimeout = { seconds: 1n };
  const limits = { attemptSoftTimeout, attemptTimeout, retryPolicy: { maxAttempts: 1 } };
  const events = await historyOf(gateway, await submit(limits));
  expect(statesOf(events)).toEqual(["RUNNING 1", "FAILED 1"]);
  expect(toldBy(events).gaps).toBe(1);
  expect(ranMs(events)).toBeLessThan(2_000 + BOUND_MS + SLACK_MS);

  const taskId = await submit({});
  const watched = historyOf(gateway, taskId);
  for await (const { update } of gateway.client.watchTask({ taskId })) {
    if (update?.kind.case === "event" && update.kind.value.facet.case === "log") break;
  }
  const askedAt = Date.now();
  await gateway.client.cancelTask({ taskId });
  expect(Date.now() - askedAt).toBeLessThan(SLACK_MS);
  expect(statesOf(await watched)).toEqual(["RUNNING 1", "CANCELED 1"]);
}, 60_000);
