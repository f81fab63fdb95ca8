import { create } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import { LogLineSchema, type TaskEvent, TaskState } from "#gen/millrace/v1/task_pb.ts";
import type { Broker } from "#lib/broker/broker.ts";
import type { Fence } from "#lib/broker/log/task-log.ts";
import { allStored, openTestBroker } from "#test/support/broker.ts";
import { atNextCall } from "#test/support/interleaving.ts";
import { startTestNats } from "#test/support/nats.ts";
import { until } from "#test/support/until.ts";
import { deleteFinished } from "../../../services/gateway/delete.ts";
import { removeEnded } from "../../../services/gateway/janitor/remove-ended.ts";
import { begin, live, move, restart } from "./lived-tasks.ts";
import { logOf, openWatching, read } from "./watch-record.ts";

const { RUNNING, SUCCEEDED, CANCELED } = TaskState;
const SIGNAL = () => AbortSignal.timeout(30_000);

/** Takes a task out of the log whose time to be kept is over. */
async function leave(broker: Broker, taskId: string): Promise<void> {
  const found = (await broker.scan.newest([taskId], ["spec", "state"])).get(taskId) ?? [];
  const end = found.find(({ facet }) => facet.case === "state");
  const spec = found.find(({ facet }) => facet.case === "spec");
  if (!spec || !end) throw new Error("it is not there");
  await removeEnded(broker, [{ specSequence: Number(spec.sequence), end }]);
}

test("a watch that begins while its task ends is told that the task has left before its history was read", async () => {
  await using nats = await startTestNats();
  await using broker = await openTestBroker(nats.url);
  await using other = await openTestBroker(nats.url);
  await using watching = await openWatching(broker);
  const running = await move(other, await begin(other, "t"), RUNNING);
  // Its state is asked for first: what comes after that is not in it.
  atNextCall(broker.link.use().jsm.streams, "getMessage", {
    after: () => move(other, running, SUCCEEDED),
  });
  const signal = SIGNAL();
  const watch = read(watching.watch("t", 0n, signal), () => leave(other, "t"));
  await expect(watch).rejects.toMatchObject({ reason: "TASK_NOT_FOUND" });
  expect(signal.aborted).toBe(false);
});

test.each([
  ["leaves", leave],
  ["is deleted", deleteFinished],
])(
  "a watch of a task that has ended and %s before its history is read does not look whole",
  async (_, go) => {
    await using nats = await startTestNats();
    await using broker = await openTestBroker(nats.url);
    await using other = await openTestBroker(nats.url);
    await using watching = await openWatching(broker);
    await live(other, await begin(other, "t"), 1);
    await until(async () => (await broker.log.read("t"))?.task.state === SUCCEEDED);
    const watch = read(watching.watch("t", 0n, SIGNAL()), () => go(other, "t"));
    await expect(watch).rejects.toMatchObject({ reason: "TASK_NOT_FOUND" });
  },
);

test("nor does one whose task leaves amid its history, with lines that nobody has read", async () => {
  await using nats = await startTestNats();
  await using broker = await openTestBroker(nats.url);
  await using other = await openTestBroker(nats.url);
  await using watching = await openWatching(broker);
  const running = await move(other, await begin(other, "t"), RUNNING);
  for (let line = 1; line <= 300; line += 1) {
    const value = create(LogLineSchema, { attempt: 1, message: `line ${line}` });
    void other.log.note(running, { case: "log", value });
  }
  await allStored(other);
  const events: TaskEvent[] = [];
  const watch = async () => {
    for await (const step of watching.watch("t", 0n, SIGNAL())) {
      if (step.case === "event") events.push(step.value);
      if (events.length !== 10) continue;
      await move(other, running, SUCCEEDED);
      await leave(other, "t");
    }
  };
  await expect(watch()).rejects.toMatchObject({ reason: "TASK_NOT_FOUND" });
  expect(events.length).toBeLessThan(302);
});

test("a watch goes on with its task that is started again while it begins", async () => {
  await using nats = await startTestNats();
  await using broker = await openTestBroker(nats.url);
  await using other = await openTestBroker(nats.url);
  await using watching = await openWatching(broker);
  const running = await move(other, await begin(other, "t"), RUNNING);
  const again = Promise.withResolvers<Fence>();
  // Its state is asked for first: what comes after that is not in it.
  atNextCall(broker.link.use().jsm.streams, "getMessage", {
    after: async () => again.resolve(await restart(other, await move(other, running, CANCELED))),
  });
  const events = await read(watching.watch("t", 0n, SIGNAL()), async () =>
    live(other, await again.promise, 1),
  );
  expect(events.map(({ sequence }) => sequence)).toEqual(await logOf(nats.url, "t"));
});

test("nor does one whose task is deleted between its spec and its end", async () => {
  await using nats = await startTestNats();
  await using broker = await openTestBroker(nats.url);
  await using other = await openTestBroker(nats.url);
  await using watching = await openWatching(broker);
  await live(other, await begin(other, "t"), 1);
  await until(async () => (await broker.log.read("t"))?.task.state === SUCCEEDED);
  const { jsm, names } = other.link.use();
  // As far as a delete may have got.
  const removeSpec = () =>
    jsm.streams.purge(names.eventsStream, { filter: names.eventSubject("t", "spec") });
  const watch = read(watching.watch("t", 0n, SIGNAL()), removeSpec);
  await expect(watch).rejects.toMatchObject({ reason: "TASK_NOT_FOUND" });
});
