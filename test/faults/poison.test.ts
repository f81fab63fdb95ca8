import { create } from "@bufbuild/protobuf";
import { StructSchema } from "@bufbuild/protobuf/wkt";
import { connect } from "@nats-io/transport-node";
import { describe, expect } from "vitest";
import {
  type StateChange,
  StateChangeSchema,
  type TaskEvent,
  TaskSpecSchema,
  TaskState,
} from "#gen/millrace/v1/task_pb.ts";
import { type WaitingTask, WaitingTaskSchema } from "#gen/millrace/v1/waiting_task_pb.ts";
import type { Broker } from "#lib/broker/broker.ts";
import { WORKER_LOST } from "#lib/task/next-state.ts";
import { openTestBroker } from "#test/support/broker.ts";
import { faultRow, sized } from "#test/support/fault-row.ts";
import { Fleet } from "#test/support/fleet.ts";
import { checkLedger } from "#test/support/ledger.ts";
import { LiveLog } from "#test/support/live-log.ts";
import { submitPatiently } from "#test/support/patient-submit.ts";
import { historyOf, System, statesOf } from "#test/support/system.ts";
import { until } from "#test/support/until.ts";

const MAX_CRASHES = 3;
const POISONOUS = sized({ short: 2, long: 20 });
const GOOD = sized({ short: 60, long: 2_000 });
const LIMIT_MS = sized({ short: 120_000, long: 1_200_000 });
/** A field that says it is longer than all that follows. */
const GARBAGE = Uint8Array.of(0x0a, 0x7f, 0x01);

function endOf(history: readonly TaskEvent[] | undefined): StateChange | undefined {
  const facet = history?.at(-1)?.facet;
  return facet?.case === "state" ? facet.value : undefined;
}

/** As the gateway would have accepted it, had it not looked at the input. */
async function acceptGarbage(broker: Broker, taskId: string, crashes: number): Promise<void> {
  const input = { typeUrl: `type.googleapis.com/${StructSchema.typeName}`, value: GARBAGE };
  const spec = create(TaskSpecSchema, { queue: "default", input });
  const fence = await broker.log.begin(taskId, spec);
  if (!fence) throw new Error(`${taskId} is there already`);
  const waiting: WaitingTask = create(WaitingTaskSchema, {
    taskId,
    spec,
    specSequence: BigInt(fence.specSequence),
  });
  if (crashes > 0) {
    waiting.last = create(StateChangeSchema, {
      state: TaskState.RUNNING,
      attempt: crashes,
      crashes: crashes - 1,
      workerId: "worker-that-died",
    });
    const appended = await broker.log.append(fence, waiting.last);
    if (appended.kind === "stored") waiting.stateSequence = BigInt(appended.sequence);
  }
  await broker.queues.enqueue(waiting);
}

describe.concurrent("poison", () => {
  faultRow(
    "tasks that kill every worker fail with WORKER_LOST, and the good ones beside them succeed",
    async ({ random, figure }) => {
      await using system = await System.start({ MILLRACE_MAX_CRASHES: String(MAX_CRASHES) });
      await using fleet = await Fleet.start(system, { gateways: 1, workers: 3 });
      await using live = new LiveLog(system.nats.url);
      const poisonous = Array.from({ length: POISONOUS }, (_, index) => `poison-${index}`);
      const good = Array.from({ length: GOOD }, (_, index) => `good-${index}`);
      const all = [...poisonous, ...good].sort(() => random() - 0.5);
      for (const id of all) {
        const script = id.startsWith("poison") ? { crashes: 99 } : { idleMs: 200, steps: 1 };
        await submitPatiently(() => fleet.gateways, id, script);
      }
      await live.allEnded(all, LIMIT_MS);

      const log = await checkLedger(system.nats.url, all);
      for (const id of poisonous) {
        expect(endOf(log.get(id))).toMatchObject({
          state: TaskState.FAILED,
          crashes: MAX_CRASHES,
          error: { code: WORKER_LOST, retryable: false },
        });
      }
      const ends = good.map((id) => endOf(log.get(id)));
      const crashes = ends.map((end) => end?.crashes ?? 0);
      figure("good tasks in workers that died", crashes.filter((count) => count > 0).length);
      figure("most crashes of a good task", Math.max(...crashes));
      expect(ends.filter((end) => end?.state !== TaskState.SUCCEEDED)).toEqual([]);
    },
    LIMIT_MS,
  );

  faultRow(
    "a task that took its workers down fails before its input is decoded, and garbage in a queue does not spin",
    async () => {
      await using system = await System.start({ MILLRACE_MAX_CRASHES: String(MAX_CRASHES) });
      const { gateway } = await system.running();
      await using broker = await openTestBroker(system.nats.url);
      await acceptGarbage(broker, "fatal", MAX_CRASHES);
      await acceptGarbage(broker, "unreadable", 0);
      await using nc = await connect({ servers: system.nats.url });
      nc.publish("mr.queue.default.p2.nobody", GARBAGE);
      await submitPatiently(() => [gateway], "good", { steps: 1 });

      expect(endOf(await historyOf(gateway, "fatal"))).toMatchObject({
        state: TaskState.FAILED,
        crashes: MAX_CRASHES,
        error: { code: WORKER_LOST },
      });
      const unreadable = await historyOf(gateway, "unreadable");
      expect(endOf(unreadable)).toMatchObject({
        state: TaskState.FAILED,
        error: { code: "INPUT_UNREADABLE", retryable: false },
      });
      expect(statesOf(unreadable)).toEqual(["RUNNING 1", "FAILED 1"]);
      expect(statesOf(await historyOf(gateway, "good"))).toEqual(["RUNNING 1", "SUCCEEDED 1"]);
      await until(async () => {
        const { waiting, inFlight } = await broker.queues.depth("default");
        return waiting + inFlight === 0;
      });
      const { messages } = await gateway.queues.listParkedMessages({});
      expect(messages).toMatchObject([{ data: GARBAGE }]);
      await checkLedger(system.nats.url, ["fatal", "unreadable", "good"]);
    },
    LIMIT_MS,
  );
});
