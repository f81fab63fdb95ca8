import { create } from "@bufbuild/protobuf";
import { expect, test, vi } from "vitest";
import { TaskEventSchema } from "#gen/millrace/v1/task_pb.ts";
import { ExpectedTask } from "#lib/broker/watch/expected-task.ts";
import { Watcher } from "#lib/broker/watch/watcher.ts";
import { Watchers } from "#lib/broker/watch/watchers.ts";

const begun = { taskId: "new", stateSequence: 0, specSequence: 7, epoch: 7 };

function expectIn(watchers: Watchers): ExpectedTask {
  return new ExpectedTask((watcher) => watchers.add("new", watcher));
}

const spec = create(TaskEventSchema, {
  taskId: "new",
  sequence: 7n,
  facet: { case: "spec", value: { queue: "default" } },
});

test("a task that was just stored is known once its spec is heard of", async () => {
  const watchers = new Watchers();
  using expected = expectIn(watchers);
  const known = expected.justBegun(begun);
  watchers.handOut(spec);
  expect(await known).toMatchObject({ id: "new", sequence: 7n, spec: { queue: "default" } });
});

test("one that is not heard of in time is to be asked for", async () => {
  vi.useFakeTimers();
  try {
    using expected = expectIn(new Watchers());
    const known = expected.justBegun(begun);
    await vi.advanceTimersByTimeAsync(250);
    expect(await known).toBeUndefined();
  } finally {
    vi.useRealTimers();
  }
});

test("a task that is not there yet is not taken for one that is gone", async () => {
  const watchers = new Watchers();
  using expected = expectIn(watchers);
  const known = expected.justBegun(begun);
  await watchers.endGone("new", async () => undefined);
  watchers.handOut(spec);
  expect(await known).toMatchObject({ sequence: 7n });
});

test("one that was found gone meanwhile is remembered, for whoever goes on watching it", async () => {
  const watchers = new Watchers();
  using expected = expectIn(watchers);
  await watchers.endGone("new", async () => undefined);
  expect(expected.watcher.wasMissing).toBe(true);
});

test("who has given up waiting for it keeps nothing from whoever reads on", async () => {
  const watchers = new Watchers();
  using expected = expectIn(watchers);
  expect(await expected.justBegun(begun)).toBeUndefined();
  const left = create(TaskEventSchema, { taskId: "new", sequence: 5n });
  watchers.handOut(left);
  expected.watcher.skipTo(6n);
  const heard: bigint[] = [];
  const reading = (async () => {
    const { watcher } = expected;
    for (let event = await watcher.next(); event; event = await watcher.next()) {
      heard.push(event.sequence);
    }
  })();
  watchers.handOut(spec);
  await expect.poll(() => heard).toEqual([7n]);
  expected[Symbol.dispose]();
  await reading;
});

test("nothing is heard of it any more once it is not expected", () => {
  const watchers = new Watchers();
  expectIn(watchers)[Symbol.dispose]();
  expect(watchers.size).toBe(0);
});

test("a watch that joins the next task with the id while somebody looks for the last one goes on", async () => {
  const watchers = new Watchers();
  const [of7, joining, of9] = [new Watcher(), new Watcher(), new Watcher()];
  for (const watcher of [of7, joining]) watchers.add("new", watcher);
  of7.isOf(7n);
  await watchers.endGone("new", async () => {
    // It was not there, and then another one came.
    watchers.add("new", of9);
    of9.isOf(9n);
    return undefined;
  });
  joining.isOf(9n);
  watchers.handOut(create(TaskEventSchema, { ...spec, sequence: 9n }));
  await expect(of7.next()).rejects.toMatchObject({ reason: "TASK_NOT_FOUND" });
  expect(await joining.next()).toMatchObject({ sequence: 9n });
  expect(await of9.next()).toMatchObject({ sequence: 9n });
});

test("the deletion of the task before does not end the watch of one that is about to be written", async () => {
  const watchers = new Watchers();
  using expected = expectIn(watchers);
  const mark = { case: "state", value: { deleted: true } } as const;
  watchers.handOut(create(TaskEventSchema, { taskId: "new", sequence: 6n, facet: mark }));
  watchers.handOut(spec);
  expect(await expected.justBegun(begun)).toMatchObject({ sequence: 7n });
  expected.watcher.isOf(7n);
  expect(await expected.watcher.next()).toMatchObject({ sequence: 7n });
});
