import { durationFromMs } from "@bufbuild/protobuf/wkt";
import { expect } from "vitest";
import { TaskState } from "#gen/millrace/v1/task_pb.ts";
import { longRow } from "#test/support/fault-row.ts";
import { type Gate, openGate } from "#test/support/gate.ts";
import { checkLedger } from "#test/support/ledger.ts";
import { LiveLog } from "#test/support/live-log.ts";
import { ReleaseBefore } from "#test/support/release-before.ts";
import {
  type Gateway,
  historyOf,
  SCRIPTED_WORKER,
  System,
  scriptOf,
} from "#test/support/system.ts";
import { until } from "#test/support/until.ts";

const LIMIT_MS = 180_000;
const { SUCCEEDED, FAILED, CANCELED, EXPIRED, RETRYING } = TaskState;

/** How each of the tasks ends that a release has left in the middle of its way. */
const ENDS: Readonly<Record<string, TaskState>> = {
  runs: SUCCEEDED,
  retries: SUCCEEDED,
  waits: SUCCEEDED,
  scheduled: SUCCEEDED,
  restarted: SUCCEEDED,
  "restarted-and-runs": SUCCEEDED,
  expires: EXPIRED,
  "too-late": FAILED,
  canceled: CANCELED,
};

/** One task in each of the places that tasks have, and then all processes are killed. */
async function leave(system: System, release: string, gate: Gate): Promise<void> {
  const gateway = await system.gateway({}, release);
  const worker = await system.worker({}, `${release}/${SCRIPTED_WORKER}`);
  await until(async () => (await gateway.client.listTaskTypes({})).taskTypes.length >= 2);
  const submit = submitter(gateway);
  for (const taskId of ["restarted", "restarted-and-runs"]) {
    // The first attempt fails for good, and those of the next run do not.
    const retryPolicy = { maxAttempts: 1 };
    const gated = taskId === "restarted-and-runs" ? { gate: gate.url } : {};
    await submit(taskId, { failures: 1, ...gated }, { retryPolicy });
    if (gated.gate) await gate.arrived();
    if (gated.gate) gate.open();
    await historyOf(gateway, taskId);
  }
  await gateway.client.retryTask({ taskId: "restarted-and-runs" });
  await gate.arrived();
  await submit("runs", { gate: gate.url });
  await gate.arrived();
  const retryPolicy = { maxAttempts: 3, initialBackoff: durationFromMs(6_000) };
  await submit("retries", { failures: 1 }, { retryPolicy });
  await until(async () => {
    const { task } = await gateway.client.getTask({ taskId: "retries" });
    return task?.state === RETRYING;
  });
  worker.service.kill("SIGKILL");
  await worker.service.exited;
  await submit("waits");
  await gateway.client.retryTask({ taskId: "restarted" });
  await submit("scheduled", {}, { start: { case: "delay", value: durationFromMs(10_000) } });
  await submit("expires", {}, { expiry: { case: "ttl", value: durationFromMs(1_000) } });
  await submit("too-late", {}, { taskTimeout: durationFromMs(1_000) });
  await submit("canceled");
  await gateway.client.cancelTask({ taskId: "canceled" });
  gateway.service.kill("SIGKILL");
  await gateway.service.exited;
}

function submitter({ client }: Gateway) {
  return (taskId: string, script: Parameters<typeof scriptOf>[0] = {}, spec: object = {}) =>
    client.submitTask({ taskId, spec: { input: scriptOf(script), ...spec } });
}

for (const isUpgrade of [true, false]) {
  longRow(
    `what ${isUpgrade ? "the release before" : "this release"} has left in the broker, ${isUpgrade ? "this one" : "the one before"} brings to its end`,
    async () => {
      await using system = await System.start({ MILLRACE_MAX_CRASHES: "10" });
      await using before = await ReleaseBefore.checkOut();
      const [first, second] = isUpgrade ? [before.folder, "."] : [".", before.folder];
      await using gate = await openGate();
      await leave(system, first, gate);
      await new Promise((resolve) => setTimeout(resolve, 1_500));
      await using live = new LiveLog(system.nats.url);
      await system.gateway({}, second);
      await system.worker({}, `${second}/${SCRIPTED_WORKER}`);
      for (const _ of ["runs", "restarted-and-runs"]) await gate.arrived();
      gate.open();
      await live.allEnded(Object.keys(ENDS), LIMIT_MS / 2);
      const log = await checkLedger(system.nats.url, Object.keys(ENDS));
      const ends = Object.keys(ENDS).map((id) => {
        const { facet } = log.get(id)?.at(-1) ?? {};
        return [id, facet?.case === "state" ? facet.value.state : undefined];
      });
      expect(Object.fromEntries(ends)).toEqual(ENDS);
    },
    LIMIT_MS,
  );
}
