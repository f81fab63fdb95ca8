import pLimit from "p-limit";
import { expect, test } from "vitest";
import { TaskState } from "#gen/millrace/v1/task_pb.ts";
import { BrokerUnavailable } from "#lib/task/errors.ts";
import { openTestBroker } from "#test/support/broker.ts";
import { startTestNats } from "#test/support/nats.ts";
import { begin, move } from "./lived-tasks.ts";

const TASKS = 5_000;
/** Writes that wait for an answer: of all at once, a busy machine answers the last ones too late. */
const writes = pLimit(200);

test("a scan reads every task of the log in order, up to its head, and then the newest of each", async () => {
  await using nats = await startTestNats();
  await using broker = await openTestBroker(nats.url);
  const ids = Array.from({ length: TASKS }, (_, index) => `task-${index}`);
  const begun = await writes.map(ids, (id) => begin(broker, id));
  const odd = begun.filter(({ taskId }) => Number(taskId.slice(5)) % 2 === 1);
  await writes.map(odd, (fence) => move(broker, fence, TaskState.RUNNING));
  const head = await broker.scan.head();
  await begin(broker, "too-late");

  const { signal } = new AbortController();
  const sought = { facet: "spec", after: 0, head, isWanted: () => true, signal } as const;
  const parts = await Array.fromAsync(broker.scan.events(sought));
  const found = parts.flatMap(({ picked }) => picked);
  expect(found.map(({ sequence }) => Number(sequence))).toEqual(
    begun.map(({ specSequence }) => specSequence).toSorted((a, b) => a - b),
  );
  expect(parts.reduce((sum, { read }) => sum + read, 0)).toBe(TASKS);

  const newest = await broker.scan.newest(ids, ["spec", "state"]);
  const withState = [...newest.values()].filter((events) => events.length === 2);
  expect({ all: newest.size, withState: withState.length }).toEqual({
    all: TASKS,
    withState: TASKS / 2,
  });
});

test("a log that nobody serves can't be read now", async () => {
  await using nats = await startTestNats();
  await using broker = await openTestBroker(nats.url);
  await broker.link.use().jsm.streams.delete("MR_EVENTS");
  await expect(broker.scan.newest(["t"], ["state"])).rejects.toBeInstanceOf(BrokerUnavailable);
});
