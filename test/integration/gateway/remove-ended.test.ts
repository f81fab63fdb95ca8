import pLimit from "p-limit";
import { expect, test } from "vitest";
import { TaskState } from "#gen/millrace/v1/task_pb.ts";
import type { Broker } from "#lib/broker/broker.ts";
import { Names } from "#lib/broker/names.ts";
import { openTestBroker } from "#test/support/broker.ts";
import { startTestNats } from "#test/support/nats.ts";
import { type Ended, removeEnded } from "../../../services/gateway/janitor/remove-ended.ts";
import { restart } from "../../../services/gateway/restart.ts";
import { facetsOf, livedTask, moveTask } from "./lived-task.ts";

const { eventsStream } = new Names();
const { SUCCEEDED, FAILED, CANCELED, RUNNING } = TaskState;
const ALL = ["spec", "state", "progress", "output", "log", "state"];

async function endsOf(broker: Broker, ids: readonly string[]): Promise<Ended[]> {
  const newest = await broker.scan.newest(ids, ["spec", "state"]);
  return ids.flatMap((id) => {
    const [spec, end] = newest.get(id) ?? [];
    return spec && end ? [{ specSequence: Number(spec.sequence), end }] : [];
  });
}

test("of tasks that are started again while they leave, each is gone or runs with its whole history", async () => {
  await using nats = await startTestNats();
  await using broker = await openTestBroker(nats.url);
  await using other = await openTestBroker(nats.url);
  const ids = Array.from({ length: 120 }, (_, index) => `failed-${index}`);
  for (const id of ids) await livedTask(broker, id, FAILED);

  // From both ends, so that they meet.
  const removing = removeEnded(broker, await endsOf(broker, ids));
  const restarts = await pLimit(16).map(ids.toReversed(), (taskId) =>
    restart(other, { taskId, requestedBy: "ada" }).then(
      () => [taskId],
      () => [],
    ),
  );
  const restarted = restarts.flat();
  expect(await removing).toHaveLength(ids.length - restarted.length);
  expect(restarted.length).toBeGreaterThan(0);
  expect(restarted.length).toBeLessThan(ids.length);
  for (const id of ids) {
    const expected = restarted.includes(id) ? [...ALL, "state"] : [];
    expect([id, await facetsOf(broker, id)]).toEqual([id, expected]);
  }
});

test("a task that was started again before it leaves stays, though it has failed once more", async () => {
  await using nats = await startTestNats();
  await using broker = await openTestBroker(nats.url);
  await livedTask(broker, "again", FAILED);
  const [end] = await endsOf(broker, ["again"]);
  await restart(broker, { taskId: "again", requestedBy: "ada" });
  const standing = await broker.log.read("again");
  if (!standing || !end) throw new Error("it is gone");
  const running = await moveTask(broker, standing.fence, RUNNING);
  await moveTask(broker, running, FAILED);
  expect(await removeEnded(broker, [end])).toEqual([]);
  expect(await facetsOf(broker, "again")).toEqual([...ALL, "state", "state", "state"]);
});

test("the next task of an id loses nothing when the first one leaves late", async () => {
  await using nats = await startTestNats();
  await using broker = await openTestBroker(nats.url);
  await livedTask(broker, "again", SUCCEEDED);
  const ends = await endsOf(broker, ["again"]);
  await removeEnded(broker, ends);
  await livedTask(broker, "again", SUCCEEDED);
  await removeEnded(broker, ends);
  expect(await facetsOf(broker, "again")).toEqual(ALL);
});

test("tasks that may be started again leave a log that has no room for their marks", async () => {
  await using nats = await startTestNats();
  await using broker = await openTestBroker(nats.url);
  for (const [index, state] of [FAILED, CANCELED].entries())
    await livedTask(broker, `ended-${index}`, state);
  const { streams } = broker.link.use().jsm;
  const { state } = await streams.info(eventsStream);
  await streams.update(eventsStream, { max_bytes: state.bytes });
  const ends = await endsOf(broker, ["ended-0", "ended-1"]);
  expect(await removeEnded(broker, ends)).toHaveLength(2);
  expect(await broker.log.read("ended-0")).toBeUndefined();
});
