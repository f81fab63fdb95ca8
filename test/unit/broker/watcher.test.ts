import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import { ProgressSchema, type TaskEvent, TaskEventSchema } from "#gen/millrace/v1/task_pb.ts";
import { MAX_BEHIND, Watcher } from "#lib/broker/watch/watcher.ts";

type Facet = MessageInitShape<typeof TaskEventSchema>["facet"];

function event(sequence: number, facet: Facet): TaskEvent {
  return create(TaskEventSchema, { sequence: BigInt(sequence), ...(facet && { facet }) });
}

const state = (sequence: number) => event(sequence, { case: "state", value: {} });
const progress = (sequence: number) => event(sequence, { case: "progress", value: {} });

async function read(watcher: Watcher, count: number): Promise<number[]> {
  const sequences: number[] = [];
  for (let next = await watcher.next(); next; next = await watcher.next()) {
    sequences.push(Number(next.sequence));
    if (sequences.length === count) watcher[Symbol.dispose]();
  }
  return sequences;
}

test("events are handed out in order, each once, also those that come while one waits", async () => {
  const watcher = new Watcher();
  watcher.push(state(1));
  const reading = read(watcher, 3);
  watcher.push(state(2));
  watcher.push(state(2));
  watcher.push(state(3));
  expect(await reading).toEqual([1, 2, 3]);
});

test("what was read from the history is not handed out again", async () => {
  const watcher = new Watcher();
  for (const sequence of [1, 2, 3, 4, 5]) watcher.push(state(sequence));
  watcher.skipTo(3n);
  watcher.skipTo(2n);
  expect(await read(watcher, 2)).toEqual([4, 5]);
});

test("of progress that nobody has read only the newest is kept, and no state change is lost", async () => {
  const watcher = new Watcher();
  watcher.push(state(1));
  for (let sequence = 2; sequence <= 5_000; sequence += 1) watcher.push(progress(sequence));
  watcher.push(state(5_001));
  expect(await read(watcher, 3)).toEqual([1, 5_000, 5_001]);
});

test("progress that brings the steps before it is kept for a watcher that is close", async () => {
  const watcher = new Watcher();
  const reports = [create(ProgressSchema, { current: 1n })];
  watcher.push({ ...progress(1), reports });
  watcher.push(progress(2));
  watcher.push(progress(3));
  expect(await read(watcher, 2)).toEqual([1, 3]);
});

test("a watcher that is too far behind is told where to go on", async () => {
  const watcher = new Watcher();
  watcher.skipTo(7n);
  for (let sequence = 8; sequence <= 8 + MAX_BEHIND; sequence += 1) watcher.push(state(sequence));
  await expect(read(watcher, 1)).rejects.toMatchObject({
    reason: "WATCHER_TOO_SLOW",
    facts: { resume_after_sequence: "7" },
  });
});

test("a watcher that leaves while it waits is let go at once", async () => {
  const watcher = new Watcher();
  const reading = watcher.next();
  watcher[Symbol.dispose]();
  expect(await reading).toBeUndefined();
});

test("what was just written is had as soon as it is heard of, and still handed out", async () => {
  const watcher = new Watcher();
  const pushed = watcher.pushed(2n);
  watcher.push(state(1));
  watcher.push(state(2));
  expect(await pushed).toMatchObject({ sequence: 2n });
  expect(await watcher.pushed(1n)).toMatchObject({ sequence: 1n });
  expect(await read(watcher, 2)).toEqual([1, 2]);
});

test("what will never be heard of is not waited for: it is gone, or its watcher is", async () => {
  const [later, failing, left] = [new Watcher(), new Watcher(), new Watcher()];
  const waiting = [later, failing, left].map((watcher) => watcher.pushed(2n));
  later.push(state(3));
  failing.fail(new Error("the log was replaced"));
  left[Symbol.dispose]();
  expect(await Promise.all(waiting)).toEqual([undefined, undefined, undefined]);
});

const ofRun = (sequence: number, epoch: number) =>
  event(sequence, { case: "state", value: { epoch: BigInt(epoch) } });

test("a watch that begins in a later run of its task goes on with it", async () => {
  const watcher = new Watcher();
  watcher.isOf(5n, 20n);
  watcher.push(ofRun(22, 20));
  expect(await read(watcher, 1)).toEqual([22]);
});

test("so does one to which the history told the restart before the follower brought it", async () => {
  const watcher = new Watcher();
  watcher.isOf(5n, 7n);
  watcher.skipTo(20n);
  watcher.push(ofRun(20, 0));
  watcher.push(ofRun(22, 20));
  expect(await read(watcher, 1)).toEqual([22]);
});

test("and one that heard of the restart before it was known whose task it is", async () => {
  const watcher = new Watcher();
  for (const change of [ofRun(8, 5), ofRun(20, 0), ofRun(22, 20)]) watcher.push(change);
  watcher.isOf(5n, 7n);
  watcher.push(ofRun(23, 20));
  expect(await read(watcher, 4)).toEqual([8, 20, 22, 23]);
});
