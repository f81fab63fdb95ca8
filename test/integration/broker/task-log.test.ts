import { create } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import {
  OutputChunkSchema,
  ProgressSchema,
  StateChangeSchema,
  type TaskEvent,
  TaskState,
} from "#gen/millrace/v1/task_pb.ts";
import type { Broker } from "#lib/broker/broker.ts";
import { type Fence, TaskLog } from "#lib/broker/log/task-log.ts";
import { Names } from "#lib/broker/names.ts";
import { HistoryFull } from "#lib/task/errors.ts";
import { queueTask, refuseTask } from "#lib/task/next-state.ts";
import { allStored, openTestBroker, specOf } from "#test/support/broker.ts";
import { readLog } from "#test/support/ledger.ts";
import { startTestNats } from "#test/support/nats.ts";

const { eventsStream } = new Names();
const running = (attempt: number) =>
  create(StateChangeSchema, { state: TaskState.RUNNING, attempt });

const word = (attempt: number, value: string): TaskEvent["facet"] => ({
  case: "output",
  value: create(OutputChunkSchema, { attempt, content: { case: "text", value } }),
});

async function begin(broker: Broker, taskId: string): Promise<Fence> {
  const begun = await broker.log.begin(taskId, specOf());
  if (!begun) throw new Error("someone else was faster");
  return begun;
}

async function start(broker: Broker, fence: Fence, attempt: number): Promise<Fence> {
  const appended = await broker.log.append(fence, running(attempt));
  if (appended.kind !== "stored") throw new Error("someone else was faster");
  return { ...fence, stateSequence: appended.sequence };
}

test("of two that begin the same task one is first, and of two that move it on as well", async () => {
  await using nats = await startTestNats();
  await using broker = await openTestBroker(nats.url);
  const begun = await Promise.all([1, 2, 3].map(() => broker.log.begin("t", specOf())));
  const [nothingYet, ...others] = begun.filter((fence) => fence !== undefined);
  expect(others).toEqual([]);
  if (!nothingYet) throw new Error("nobody began");
  const moved = await Promise.all(
    [1, 2, 3].map((attempt) => broker.log.append(nothingYet, running(attempt))),
  );
  expect(moved.map(({ kind }) => kind).sort()).toEqual(["conflict", "conflict", "stored"]);
});

test("an append whose answer was lost finds its own when it is repeated", async () => {
  await using nats = await startTestNats();
  await using broker = await openTestBroker(nats.url);
  const nothingYet = await begin(broker, "t");
  const first = await broker.log.append(nothingYet, running(1), { appendId: "the same" });
  expect(await broker.log.append(nothingYet, running(1), { appendId: "the same" })).toEqual(first);
  expect(await broker.log.append(nothingYet, running(1))).toEqual({ kind: "conflict" });
});

test("a stale attempt's progress, output and log lines are not stored", async () => {
  await using nats = await startTestNats();
  await using broker = await openTestBroker(nats.url);
  const stale = await start(broker, await begin(broker, "t"), 1);
  void broker.log.note(stale, word(1, "heard"));
  const newest = await start(broker, stale, 2);
  void broker.log.note(stale, word(1, "not heard"));
  void broker.log.note(stale, { case: "progress", value: create(ProgressSchema, { attempt: 1 }) });
  void broker.log.note(newest, word(2, "heard too"));
  await allStored(broker);

  const history = (await readLog(nats.url)).get("t") ?? [];
  const words = history.flatMap(({ facet }) =>
    facet.case === "output" ? [facet.value.content.value] : [],
  );
  expect(words).toEqual(["heard", "heard too"]);
  expect(history.some(({ facet }) => facet.case === "progress")).toBe(false);
});

test("a task is read as its newest facets say, and one that nobody began is not there", async () => {
  await using nats = await startTestNats();
  await using broker = await openTestBroker(nats.url);
  expect(await broker.log.read("t")).toBeUndefined();
  const fence = await start(broker, await begin(broker, "t"), 1);
  const progress = create(ProgressSchema, { attempt: 1, fraction: 0.5 });
  void broker.log.note(fence, { case: "progress", value: progress });
  void broker.log.note(fence, word(1, "newest"));
  await allStored(broker);
  const standing = await broker.log.read("t");
  expect(standing).toMatchObject({
    task: { id: "t", state: TaskState.RUNNING, attempt: 1, progress: { fraction: 0.5 } },
    fence,
  });
  expect(standing?.task.sequence).toBe(BigInt(fence.stateSequence + 2));
});

test("a long history is read whole, from any sequence, and nothing of other tasks", async () => {
  await using nats = await startTestNats();
  await using broker = await openTestBroker(nats.url);
  const fences = await Promise.all(
    ["a", "b"].map(async (taskId) => start(broker, await begin(broker, taskId), 1)),
  );
  for (let index = 0; index < 700; index += 1) {
    for (const fence of fences) void broker.log.note(fence, word(1, `${fence.taskId}${index}`));
  }
  await allStored(broker);
  const standing = await broker.log.read("a");
  const head = standing?.task.sequence ?? 0n;
  const read = async (after: bigint) => {
    const events: TaskEvent[] = [];
    for await (const event of broker.log.history("a", after, head)) events.push(event);
    return events;
  };
  const all = await read(0n);
  expect(all).toHaveLength(702);
  expect(new Set(all.map(({ taskId }) => taskId))).toEqual(new Set(["a"]));
  const middle = all[350]?.sequence ?? 0n;
  expect(await read(middle)).toEqual(all.slice(351));
  expect(await read(head)).toEqual([]);
});

test("a task that was refused and forgotten can't be started by who had seen it before", async () => {
  await using nats = await startTestNats();
  await using broker = await openTestBroker(nats.url);
  const seen = await begin(broker, "t");
  expect(await broker.log.append(seen, refuseTask("default"))).toMatchObject({ kind: "stored" });
  await broker.log.forgetGone("t");

  expect(await broker.log.append(seen, queueTask(undefined))).toEqual({ kind: "conflict" });
  expect(await broker.log.append(seen, running(1))).toEqual({ kind: "conflict" });
  const again = await begin(broker, "t");
  expect(await broker.log.append(seen, running(1))).toEqual({ kind: "conflict" });
  expect((await broker.log.append(again, running(1))).kind).toBe("stored");
});

test("a log that acknowledges what attempts say stores it when its history has room again", async () => {
  await using nats = await startTestNats();
  await using broker = await openTestBroker(nats.url);
  const fence = await start(broker, await begin(broker, "t"), 1);
  const { streams } = broker.link.use().jsm;
  const { config, state } = await streams.info(eventsStream);
  await streams.update(eventsStream, { max_bytes: state.bytes });
  const clustered = new TaskLog({ link: broker.link, space: broker.space, replicas: 3 });
  let isOver = false;
  const noted = clustered.note(fence, word(1, "late"))?.finally(() => {
    isOver = true;
  });
  await expect(begin(broker, "u")).rejects.toThrow(HistoryFull);
  expect(isOver).toBe(false);
  await streams.update(eventsStream, { max_bytes: config.max_bytes });
  await noted;
  expect((await readLog(nats.url)).get("t")?.map(({ facet }) => facet.case)).toEqual([
    "spec",
    "state",
    "output",
  ]);
});
