import { durationFromMs } from "@bufbuild/protobuf/wkt";
import { expect, test, vi } from "vitest";
import { TaskState } from "#gen/millrace/v1/task_pb.ts";
import type { Broker } from "#lib/broker/broker.ts";
import { openTestBroker, QUIET, specOf } from "#test/support/broker.ts";
import { startTestNats } from "#test/support/nats.ts";
import { until } from "#test/support/until.ts";
import { adoptOrphans } from "../../../services/gateway/janitor/adopt-orphans.ts";
import { JanitorFigures } from "../../../services/gateway/janitor/figures.ts";
import { leaveOnTime } from "../../../services/gateway/janitor/leave-on-time.ts";
import { openWatching } from "../broker/watch-record.ts";
import { acceptTask, livedTask } from "./lived-task.ts";

const { SUCCEEDED } = TaskState;
const BRIEFLY = { keepFor: durationFromMs(1) };

/** A janitor that does its chores as the product does: it hears of what is written while it leads. */
async function openJanitor(natsUrl: string) {
  await using stack = new AsyncDisposableStack();
  const broker = stack.use(await openTestBroker(natsUrl));
  const listening = stack.use(await openWatching(broker));
  const figures = new JanitorFigures();
  const chores = [
    adoptOrphans({ broker, log: QUIET, figures, listening, ageMs: 0 }),
    leaveOnTime({ broker, figures, listening }),
  ];
  let leading = new AbortController();
  const owned = stack.move();
  return {
    broker,
    figures,
    async pass() {
      for (const chore of chores) await chore.pass(leading.signal);
    },
    /** Another janitor leads, and then this one again. */
    leadAnew() {
      leading.abort();
      leading = new AbortController();
    },
    async [Symbol.asyncDispose]() {
      leading.abort();
      await owned.disposeAsync();
    },
  };
}

async function isKnown(broker: Broker, taskId: string): Promise<boolean> {
  return (await broker.log.read(taskId)) !== undefined;
}

test("orphans are placed whose events were heard of, and those from before", async () => {
  await using nats = await startTestNats();
  await using other = await openTestBroker(nats.url);
  await using janitor = await openJanitor(nats.url);
  await other.log.begin("before", specOf());
  await janitor.pass();
  expect(janitor.figures.orphansEnqueued).toBe(1);
  for (const id of ["first", "second"]) {
    await other.log.begin(id, specOf());
    const count = janitor.figures.orphansEnqueued;
    await until(async () => {
      await janitor.pass();
      return janitor.figures.orphansEnqueued > count;
    });
  }
  janitor.leadAnew();
  await other.log.begin("third", specOf());
  await until(async () => {
    await janitor.pass();
    return janitor.figures.orphansEnqueued === 4;
  });
});

test("nothing is read of tasks that went on and ended while the janitor heard of them", async () => {
  await using nats = await startTestNats();
  await using other = await openTestBroker(nats.url);
  await using janitor = await openJanitor(nats.url);
  await livedTask(other, "first", SUCCEEDED);
  await janitor.pass();
  await livedTask(other, "second", SUCCEEDED);
  await janitor.pass();
  const { jsm } = janitor.broker.link.use();
  const batches = vi.spyOn(jsm.direct, "getBatch");
  const consumers = vi.spyOn(jsm.consumers, "add");
  for (let n = 0; n < 10; n += 1) await livedTask(other, `later-${n}`, SUCCEEDED);
  await janitor.pass();
  expect(batches).not.toHaveBeenCalled();
  expect(consumers).not.toHaveBeenCalled();
});

test("tasks of a queue that was deleted by hand are placed again, though they had been seen to", async () => {
  await using nats = await startTestNats();
  await using other = await openTestBroker(nats.url);
  await using janitor = await openJanitor(nats.url);
  const placed = async (count: number) => {
    await until(async () => {
      await janitor.pass();
      return janitor.figures.orphansEnqueued >= count;
    });
  };
  await other.log.begin("before", specOf());
  await placed(1);
  await other.log.begin("after", specOf());
  await placed(2);
  await janitor.pass();
  await other.link.use().jsm.streams.delete("MR_QUEUE_default");
  await other.link.repair();
  await placed(4);
  expect((await other.queues.depth("default")).waiting).toBe(2);
});

test("tasks leave when their keep_for is over, whether they were read or heard of", async () => {
  await using nats = await startTestNats();
  await using other = await openTestBroker(nats.url);
  await using janitor = await openJanitor(nats.url);
  const leaves = (taskId: string) =>
    until(async () => {
      await janitor.pass();
      return !(await isKnown(other, taskId));
    });
  await livedTask(other, "before", SUCCEEDED, BRIEFLY);
  await acceptTask(other, "waits", BRIEFLY);
  await livedTask(other, "stays", SUCCEEDED);
  await leaves("before");
  for (const id of ["first", "second", "third"]) {
    await livedTask(other, id, SUCCEEDED, BRIEFLY);
    await leaves(id);
  }
  await livedTask(other, "meanwhile", SUCCEEDED, BRIEFLY);
  janitor.leadAnew();
  await livedTask(other, "anew", SUCCEEDED, BRIEFLY);
  for (const id of ["meanwhile", "anew"]) await leaves(id);
  for (const id of ["waits", "stays"]) expect(await isKnown(other, id)).toBe(true);
  expect(janitor.figures.left.get("keep_for")).toBe(6);
});
