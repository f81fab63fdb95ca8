import { create } from "@bufbuild/protobuf";
import { expect, test, vi } from "vitest";
import { CheckpointSchema, TaskState } from "#gen/millrace/v1/task_pb.ts";
import type { Broker } from "#lib/broker/broker.ts";
import { TaskLog } from "#lib/broker/log/task-log.ts";
import { openTestBroker } from "#test/support/broker.ts";
import { readLog } from "#test/support/ledger.ts";
import { startTestNats } from "#test/support/nats.ts";
import { standingOf } from "#test/support/steps.ts";
import { findDeadLetters } from "../../../services/gateway/dead-letters.ts";
import { deleteFinished } from "../../../services/gateway/delete.ts";
import { lastCheckpoint } from "../../../services/worker/checkpoints.ts";
import { openWatching } from "../broker/watch-record.ts";
import { acceptTask, livedTask, moveTask } from "./lived-task.ts";

const { RUNNING, FAILED, SUCCEEDED } = TaskState;

test("a task has nothing of one that had its id before, and whose removal was not finished", async () => {
  await using nats = await startTestNats();
  await using broker = await openTestBroker(nats.url);
  const first = await livedTask(broker, "t", RUNNING);
  await broker.log.saveCheckpoint(first, create(CheckpointSchema, { attempt: 1 }));
  await moveTask(broker, first, SUCCEEDED);
  // What a janitor begins with.
  await broker.log.removeEvents([first.specSequence]);

  const fence = await moveTask(broker, await acceptTask(broker, "t"), RUNNING);
  const { task, last } = await standingOf(broker, "t");
  expect(task.progress).toBeUndefined();
  expect(last && (await lastCheckpoint(broker, fence, { ...last, attempt: 2 }))).toBeUndefined();
  await moveTask(broker, fence, SUCCEEDED);
  await using watching = await openWatching(broker);
  const signal = AbortSignal.timeout(30_000);
  const steps = await Array.fromAsync(watching.watch("t", 0n, signal));
  const events = steps.flatMap(({ case: kind, value }) => (kind === "event" ? [value] : []));
  expect(events.map(({ facet }) => facet.case)).toEqual(["spec", "state", "state"]);
});

test("a dead letter is not listed with the progress of an earlier task of its id", async () => {
  await using nats = await startTestNats();
  await using broker = await openTestBroker(nats.url);
  const first = await livedTask(broker, "t", SUCCEEDED);
  // What a janitor begins with.
  await broker.log.removeEvents([first.specSequence]);
  await livedTask(broker, "own", FAILED);
  await moveTask(broker, await moveTask(broker, await acceptTask(broker, "t"), RUNNING), FAILED);
  const { signal } = new AbortController();
  const search = { filter: undefined, after: 0, signal };
  const looks = await Array.fromAsync(findDeadLetters(broker.scan, search));
  const notes = looks.flatMap(({ tasks }) => tasks.map(({ id, progress }) => [id, progress?.note]));
  expect(notes).toEqual([
    ["own", "half"],
    ["t", undefined],
  ]);
});

test("a delete leaves nothing of the task, though the replica that tells of it lags", async () => {
  await using nats = await startTestNats();
  await using broker = await openTestBroker(nats.url);
  // A log of several replicas as far as it knows.
  const log = new TaskLog({ link: broker.link, space: broker.space, replicas: 3 });
  await livedTask(broker, "t", FAILED);
  const nothing = vi
    .spyOn(broker.link.use().jsm.direct, "getBatch")
    .mockImplementationOnce(async (_, query) => {
      if ("callback" in query) query.callback?.({}, null as never);
      return null as never;
    });
  const deleting = Object.create(broker, { log: { value: log } }) as Broker;
  expect(await deleteFinished(deleting, "t")).toBe(true);
  expect(nothing).toHaveBeenCalled();
  nothing.mockRestore();
  expect((await readLog(nats.url)).get("t")).toBeUndefined();
});
