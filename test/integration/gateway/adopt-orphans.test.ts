import { create } from "@bufbuild/protobuf";
import { durationFromMs, timestampNow } from "@bufbuild/protobuf/wkt";
import { expect, test } from "vitest";
import { StateChangeSchema, TaskState } from "#gen/millrace/v1/task_pb.ts";
import { WaitingTaskSchema } from "#gen/millrace/v1/waiting_task_pb.ts";
import type { Broker } from "#lib/broker/broker.ts";
import type { Fence } from "#lib/broker/log/task-log.ts";
import { takeNow } from "#lib/broker/queues/pull.ts";
import { waitingOf as waitingIn } from "#lib/broker/queues/waiting.ts";
import { refuseTask } from "#lib/task/next-state.ts";
import { openTestBroker, QUIET, queueSource, specOf } from "#test/support/broker.ts";
import { startTestNats } from "#test/support/nats.ts";
import { enforceLimits } from "../../../services/gateway/enforce-limits.ts";
import { adoptOrphans } from "../../../services/gateway/janitor/adopt-orphans.ts";
import { JanitorFigures } from "../../../services/gateway/janitor/figures.ts";
import { place } from "../../../services/gateway/place.ts";
import { acceptTask } from "./lived-task.ts";

const NEVER = new AbortController().signal;
const SOURCE = queueSource("default", "p2");

/** As a gateway leaves a task that dies after its first write. */
async function orphan(broker: Broker, taskId: string, queue = "default"): Promise<Fence> {
  const begun = await broker.log.begin(taskId, specOf(queue));
  if (!begun) throw new Error("someone else was faster");
  return begun;
}

function waitingOf({ taskId, specSequence }: Fence, queue = "default") {
  const spec = specOf(queue);
  return create(WaitingTaskSchema, { taskId, spec, specSequence: BigInt(specSequence) });
}

/** A janitor of its own that looks once; how many tasks it has enqueued. */
async function lookOnce(broker: Broker): Promise<number> {
  const figures = new JanitorFigures();
  await adoptOrphans({ broker, log: QUIET, figures, ageMs: 0 }).pass(NEVER);
  return figures.orphansEnqueued;
}

async function waitingIds(broker: Broker): Promise<string[]> {
  const deliveries = await takeNow(broker.link.use(), SOURCE, 100);
  return deliveries.map(({ taskId }) => taskId).sort();
}

test("orphans are enqueued, each once, although several gateways find them at once", async () => {
  await using nats = await startTestNats();
  await using broker = await openTestBroker(nats.url);
  await using other = await openTestBroker(nats.url);
  const ids = Array.from({ length: 20 }, (_, index) => `orphan-${index}`).sort();
  for (const id of ids) await orphan(broker, id);
  const found = await Promise.all([broker, other, broker, other].map(lookOnce));
  expect(found.reduce((sum, count) => sum + count)).toBe(20);
  expect(await waitingIds(broker)).toEqual(ids);
  const standing = await broker.log.read("orphan-1");
  expect(standing?.last?.state).toBe(TaskState.QUEUED);
});

test("a task that waits, is on loan, runs, is planned, or was refused is not touched", async () => {
  await using nats = await startTestNats();
  await using broker = await openTestBroker(nats.url);
  const loaned = await orphan(broker, "on-loan");
  await broker.queues.enqueue(waitingOf(loaned));
  expect(await waitingIds(broker)).toEqual(["on-loan"]);
  await broker.queues.enqueue(waitingOf(await orphan(broker, "waits")));
  await broker.schedule.plan(
    waitingOf(await orphan(broker, "planned")),
    new Date(Date.now() + 3_600_000),
  );
  const running = create(StateChangeSchema, { state: TaskState.RUNNING, attempt: 1 });
  const runs = await orphan(broker, "runs");
  await broker.queues.enqueue(waitingOf(runs));
  await broker.log.append(runs, running);
  await broker.log.append(await orphan(broker, "refused"), refuseTask("default"));
  const before = await Promise.all(
    ["on-loan", "waits", "planned", "runs"].map((id) => broker.log.read(id)),
  );

  expect(await lookOnce(broker)).toBe(0);
  expect(await waitingIds(broker)).toEqual(["runs", "waits"]);
  const after = await Promise.all(
    ["on-loan", "waits", "planned", "runs"].map((id) => broker.log.read(id)),
  );
  expect(after).toEqual(before);
});

test("an orphan whose queue is full waits in the schedule, and others are not held up by it", async () => {
  await using nats = await startTestNats();
  const queues = ["default", "full"];
  await using broker = await openTestBroker(nats.url, { queues, queueMaxTasks: 1 });
  await broker.queues.enqueue(waitingOf(await orphan(broker, "first", "full"), "full"));
  await orphan(broker, "no-room", "full");
  await orphan(broker, "free");
  expect(await lookOnce(broker)).toBe(2);
  expect(await waitingIds(broker)).toEqual(["free"]);
  expect(await lookOnce(broker)).toBe(0);

  await broker.queues.remove(waitingOf(await fenceOf(broker, "first"), "full"));
  const moving = new AbortController();
  const moved = broker.schedule.moveDueTasks(moving.signal);
  await expect
    .poll(() => broker.queues.depth("full"), { timeout: 15_000 })
    .toMatchObject({ waiting: 1 });
  moving.abort();
  await moved;
});

async function fenceOf(broker: Broker, taskId: string): Promise<Fence> {
  const standing = await broker.log.read(taskId);
  if (!standing) throw new Error(`${taskId} is not there`);
  return standing.fence;
}

test("a submit that is taking its task back while a janitor enqueues it ends the same for both", async () => {
  await using nats = await startTestNats();
  await using broker = await openTestBroker(nats.url);
  const fences = [];
  for (let index = 0; index < 50; index += 1) fences.push(await orphan(broker, `t${index}`));
  const [, ...refused] = await Promise.all([
    lookOnce(broker),
    ...fences.map((fence) => broker.log.append(fence, refuseTask("default"))),
  ]);
  const there = new Set(await waitingIds(broker));
  for (const [index, { taskId }] of fences.entries()) {
    const isRefused = refused[index]?.kind === "stored";
    const standing = await broker.log.read(taskId);
    expect(standing === undefined).toBe(isRefused);
    if (!isRefused) expect(there).toContain(taskId);
  }
});

test("a task of a queue that is gone is told, and holds up no other", async () => {
  await using nats = await startTestNats();
  await using broker = await openTestBroker(nats.url, { queues: ["default", "gone"] });
  await orphan(broker, "homeless", "gone");
  await broker.link.use().jsm.streams.delete("MR_QUEUE_gone");
  await orphan(broker, "free");
  const figures = new JanitorFigures();
  await adoptOrphans({ broker, log: QUIET, figures, ageMs: 0 }).pass(NEVER);
  expect(figures.failures).toEqual(new Map([["orphans", 1]]));
  expect(await waitingIds(broker)).toEqual(["free"]);
});

test("tasks whose queue was deleted by hand are enqueued again, and those that ended are not", async () => {
  await using nats = await startTestNats();
  await using broker = await openTestBroker(nats.url);
  const fences = new Map<string, Fence>();
  for (const id of ["ended", "runs", "waits"]) {
    const fence = await orphan(broker, id);
    await broker.queues.enqueue(waitingOf(fence));
    fences.set(id, fence);
  }
  const begun = (state: TaskState) => create(StateChangeSchema, { state, attempt: 1 });
  for (const [id, state] of [
    ["runs", TaskState.RUNNING],
    ["ended", TaskState.SUCCEEDED],
  ] as const) {
    const fence = fences.get(id);
    if (fence) await broker.log.append(fence, begun(state));
  }
  expect(await lookOnce(broker)).toBe(0);
  await broker.link.use().jsm.streams.delete("MR_QUEUE_default");
  await broker.link.repair();
  expect(await lookOnce(broker)).toBe(2);
  expect(await waitingIds(broker)).toEqual(["runs", "waits"]);
  expect(await lookOnce(broker)).toBe(0);
});

/** A task in its place, of which a limit is reached after so long. */
async function limited(broker: Broker, taskId: string, spec: Parameters<typeof acceptTask>[2]) {
  const fence = await acceptTask(broker, taskId, spec);
  const standing = await broker.log.read(taskId);
  if (!standing) throw new Error(`${taskId} is not there`);
  await place(broker, waitingIn(standing));
  return fence;
}

test("when the schedule was deleted by hand, tasks that wait still expire, and those that wait or run still time out", async () => {
  await using nats = await startTestNats();
  await using broker = await openTestBroker(nats.url);
  const soon = durationFromMs(1_500);
  const ttl = { expiry: { case: "ttl", value: soon } } as const;
  await limited(broker, "expires", ttl);
  await limited(broker, "times-out", { taskTimeout: soon });
  const runs = await limited(broker, "runs", { ...ttl, taskTimeout: durationFromMs(3_600_000) });
  const running = { state: TaskState.RUNNING, attempt: 1, startTime: timestampNow() };
  await broker.log.append(runs, create(StateChangeSchema, running));
  await limited(broker, "untimed", {});
  const { jsm } = broker.link.use();
  await jsm.streams.delete("MR_SCHEDULE");
  await broker.link.repair();

  expect(await lookOnce(broker)).toBe(0);
  const set = await jsm.streams.info("MR_SCHEDULE", { subjects_filter: "mr.limit.>" });
  const limits = Object.keys(set.state.subjects ?? {}).map((subject) => subject.split(":")[0]);
  expect(limits).toContain("mr.limit.deadline.runs");
  expect(limits).not.toContain("mr.limit.expiry.runs");

  const stop = new AbortController();
  const enforcing = enforceLimits(broker, stop.signal);
  const stateOf = async (taskId: string) => (await broker.log.read(taskId))?.task.state;
  const ended = { timeout: 20_000 };
  await expect.poll(() => stateOf("expires"), ended).toBe(TaskState.EXPIRED);
  await expect.poll(() => stateOf("times-out"), ended).toBe(TaskState.FAILED);
  expect(await stateOf("runs")).toBe(TaskState.RUNNING);
  stop.abort();
  await enforcing;
});

test("looking at tasks whose limits are set writes nothing", async () => {
  await using nats = await startTestNats();
  await using broker = await openTestBroker(nats.url);
  const hour = durationFromMs(3_600_000);
  await limited(broker, "t", { expiry: { case: "ttl", value: hour }, taskTimeout: hour });
  const written = async () =>
    (await broker.link.use().jsm.streams.info("MR_SCHEDULE")).state.last_seq;
  const before = await written();
  await lookOnce(broker);
  expect(await written()).toBe(before);
});
