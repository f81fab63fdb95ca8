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
import { openTestBroker, specOf } from "#test/support/broker.ts";
import { readLog } from "#test/support/ledger.ts";
import { startTestNats } from "#test/support/nats.ts";

const running = (attempt: number) =>
  create(StateChangeSchema, { state: TaskState.RUNNING, attempt });

const word = (attempt: number, value: string): TaskEvent["facet"] => ({
  case: "output",
  value: create(OutputChunkSchema, { attempt, content: { case: "text", value } }),
});

async function start(broker: Broker, taskId: string, stateSequence: number, attempt: number) {
  const appended = await broker.log.append({ taskId, stateSequence }, running(attempt));
  if (appended.kind !== "stored") throw new Error("someone else was faster");
  return { taskId, stateSequence: appended.sequence };
}

test("of two that begin the same task one is first, and of two that move it on as well", async () => {
  await using nats = await startTestNats();
  await using broker = await openTestBroker(nats.url);
  const begun = await Promise.all([1, 2, 3].map(() => broker.log.begin("t", specOf())));
  expect(begun.filter(Boolean)).toHaveLength(1);
  const nothingYet = { taskId: "t", stateSequence: 0 };
  const moved = await Promise.all(
    [1, 2, 3].map((attempt) => broker.log.append(nothingYet, running(attempt))),
  );
  expect(moved.map(({ kind }) => kind).sort()).toEqual(["conflict", "conflict", "stored"]);
});

test("an append whose answer was lost finds its own when it is repeated", async () => {
  await using nats = await startTestNats();
  await using broker = await openTestBroker(nats.url);
  await broker.log.begin("t", specOf());
  const nothingYet = { taskId: "t", stateSequence: 0 };
  const first = await broker.log.append(nothingYet, running(1), "the same");
  expect(await broker.log.append(nothingYet, running(1), "the same")).toEqual(first);
  expect(await broker.log.append(nothingYet, running(1))).toEqual({ kind: "conflict" });
});

test("a stale attempt's progress, output and log lines are not stored", async () => {
  await using nats = await startTestNats();
  await using broker = await openTestBroker(nats.url);
  await broker.log.begin("t", specOf());
  const stale = await start(broker, "t", 0, 1);
  broker.log.note(stale, word(1, "heard"));
  const newest = await start(broker, "t", stale.stateSequence, 2);
  broker.log.note(stale, word(1, "not heard"));
  broker.log.note(stale, { case: "progress", value: create(ProgressSchema, { attempt: 1 }) });
  broker.log.note(newest, word(2, "heard too"));
  await broker.link.use().nc.flush();

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
  await broker.log.begin("t", specOf());
  const fence = await start(broker, "t", 0, 1);
  const progress = create(ProgressSchema, { attempt: 1, fraction: 0.5 });
  broker.log.note(fence, { case: "progress", value: progress });
  broker.log.note(fence, word(1, "newest"));
  await broker.link.use().nc.flush();
  const standing = await broker.log.read("t");
  expect(standing).toMatchObject({
    task: { id: "t", state: TaskState.RUNNING, attempt: 1, progress: { fraction: 0.5 } },
    stateSequence: fence.stateSequence,
  });
  expect(standing?.task.sequence).toBe(BigInt(fence.stateSequence + 2));
});

test("a long history is read whole, from any sequence, and nothing of other tasks", async () => {
  await using nats = await startTestNats();
  await using broker = await openTestBroker(nats.url);
  const fences = await Promise.all(
    ["a", "b"].map(async (taskId) => {
      await broker.log.begin(taskId, specOf());
      return start(broker, taskId, 0, 1);
    }),
  );
  for (let index = 0; index < 700; index += 1) {
    for (const fence of fences) broker.log.note(fence, word(1, `${fence.taskId}${index}`));
  }
  await broker.link.use().nc.flush();
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
