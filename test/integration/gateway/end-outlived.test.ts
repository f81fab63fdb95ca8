import { create } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import { StateChangeSchema, TaskState } from "#gen/millrace/v1/task_pb.ts";
import { WaitingTaskSchema } from "#gen/millrace/v1/waiting_task_pb.ts";
import type { Broker } from "#lib/broker/broker.ts";
import type { Fence } from "#lib/broker/log/task-log.ts";
import type { CancelHint } from "#lib/broker/processes/cancels.ts";
import { HISTORY_EXPIRED } from "#lib/task/outlived.ts";
import { openTestBroker, QUIET, specOf } from "#test/support/broker.ts";
import { startTestNats } from "#test/support/nats.ts";
import { until } from "#test/support/until.ts";
import { endOutlived } from "../../../services/gateway/janitor/end-outlived.ts";
import { JanitorFigures } from "../../../services/gateway/janitor/figures.ts";

const NEVER = new AbortController().signal;
/** What the chore takes for the time that events are kept; the log keeps them longer, so that only the chore acts. */
const HISTORY_MS = 4_000;

async function accept(broker: Broker, taskId: string): Promise<Fence> {
  const begun = await broker.log.begin(taskId, specOf());
  if (!begun) throw new Error("someone else was faster");
  return begun;
}

function waitingOf({ taskId, specSequence }: Fence) {
  const spec = specOf();
  return create(WaitingTaskSchema, { taskId, spec, specSequence: BigInt(specSequence) });
}

/** Moves the task to the state, in its first attempt. */
async function move(broker: Broker, fence: Fence, state: TaskState): Promise<Fence> {
  const appended = await broker.log.append(fence, create(StateChangeSchema, { state, attempt: 1 }));
  if (appended.kind !== "stored") throw new Error("someone else was faster");
  return { ...fence, stateSequence: appended.sequence };
}

test("what has not ended when the log is about to forget it ends first, in the state that fits", async () => {
  await using nats = await startTestNats();
  await using broker = await openTestBroker(nats.url);
  await using other = await openTestBroker(nats.url);
  await broker.queues.enqueue(waitingOf(await accept(broker, "waits")));
  await broker.schedule.plan(
    waitingOf(await accept(broker, "planned")),
    new Date(Date.now() + 3_600_000),
  );
  await move(broker, await accept(broker, "runs"), TaskState.RUNNING);
  await move(broker, await accept(broker, "retries"), TaskState.RETRYING);
  await move(broker, await accept(broker, "ended"), TaskState.SUCCEEDED);

  const figures = new JanitorFigures();
  const chores = [broker, other].map((each) =>
    endOutlived({ broker: each, log: QUIET, figures, historyMs: HISTORY_MS }),
  );
  const pass = () => Promise.all(chores.map((chore) => chore.pass(NEVER)));
  const canceled = new Set<string>();
  const leaving = new AbortController();
  const listening = Promise.withResolvers<void>();
  const listener = {
    onCancel: ({ taskId }: CancelHint) => void canceled.add(taskId),
    onFollowing: listening.resolve,
  };
  const following = broker.cancels.follow(listener, leaving.signal);
  await listening.promise;
  await until(async () => {
    await pass();
    return [...figures.outlived.values()].reduce((sum, count) => sum + count, 0) >= 4;
  });
  await pass();

  const states = await Promise.all(
    ["waits", "planned", "runs", "retries", "ended"].map(async (taskId) => {
      const { task } = (await broker.log.read(taskId)) ?? {};
      return [taskId, task?.state, task?.error?.code];
    }),
  );
  expect(states).toEqual([
    ["waits", TaskState.EXPIRED, undefined],
    ["planned", TaskState.EXPIRED, undefined],
    ["runs", TaskState.FAILED, HISTORY_EXPIRED],
    ["retries", TaskState.FAILED, HISTORY_EXPIRED],
    ["ended", TaskState.SUCCEEDED, undefined],
  ]);
  expect(figures.outlived).toEqual(
    new Map([
      ["EXPIRED", 2],
      ["FAILED", 2],
    ]),
  );
  expect(await broker.queues.depth("default")).toEqual({ waiting: 0, inFlight: 0 });
  const { state } = await broker.link.use().jsm.streams.info("MR_SCHEDULE");
  expect(state.messages).toBe(0);
  await until(() => canceled.has("runs") && canceled.has("retries"));
  leaving.abort();
  await following;
});
