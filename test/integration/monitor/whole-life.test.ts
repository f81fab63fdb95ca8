import { durationFromMs, timestampNow } from "@bufbuild/protobuf/wkt";
import pLimit from "p-limit";
import { expect, test } from "vitest";
import type { Overview } from "#gen/millrace/v1/monitor_service_pb.ts";
import { TaskState } from "#gen/millrace/v1/task_pb.ts";
import { removeEnded } from "../../../services/gateway/janitor/remove-ended.ts";
import { WatchedSystem } from "./watched-system.ts";

const { QUEUED, RUNNING, SUCCEEDED, FAILED, CANCELED, EXPIRED } = TaskState;
/** Writes that wait for an answer: of all at once, a busy machine answers the last ones too late. */
const writes = pLimit(100);
const IN_AN_HOUR = { start: { case: "delay" as const, value: durationFromMs(3_600_000) } };

function countsOf({ tasks, queues, taskTypes }: Overview) {
  return [tasks, queues.map((queue) => queue.tasks), taskTypes.map((type) => type.tasks)];
}

test("a monitor that ran all along and one that starts late count the same, through starts to come, restarts and deletes", async () => {
  await using system = await WatchedSystem.start();
  const allAlong = await system.monitor();
  await allAlong.shows(({ upToDate }) => upToDate);

  await system.accept("scheduled", IN_AN_HOUR);
  await system.move(await system.accept("canceled", IN_AN_HOUR), CANCELED, { attempt: 0 });
  await system.run("expired", [EXPIRED], { attempt: 0 });
  await system.run("dead-letter", [RUNNING, FAILED]);
  const again = await system.run("again", [RUNNING, FAILED]);
  await system.move(again, QUEUED, { restarts: 1, restartTime: timestampNow() });
  for (const state of [SUCCEEDED, FAILED, CANCELED, EXPIRED]) {
    await system.delete(await system.run(`deleted-${state}`, [RUNNING, state]), state);
  }
  await system.accept("last");
  const before = await allAlong.shows(({ recentTasks }) => recentTasks[0]?.id === "last");
  const expected = { scheduled: 1n, queued: 2n, failed: 1n, canceled: 1n, expired: 1n };
  expect(before.tasks).toMatchObject({ ...expected, running: 0n, succeeded: 0n });

  const late = await system.monitor();
  const after = await late.shows(({ upToDate }) => upToDate);
  expect(countsOf(after)).toEqual(countsOf(before));
  expect(after.recentTasks).toEqual(before.recentTasks);
  expect(after.recentTasks.find(({ id }) => id === "scheduled")).toMatchObject({
    state: TaskState.SCHEDULED,
    nextAttemptTime: { seconds: expect.any(BigInt) },
  });
});

test("what a burst of deletes takes away is not counted, by one that follows", async () => {
  await using system = await WatchedSystem.start();
  const monitor = await system.monitor();
  await monitor.shows(({ upToDate }) => upToDate);
  const ids = Array.from({ length: 200 }, (_, number) => `task-${number}`);
  await Promise.all(
    ids.map(async (id) => system.delete(await system.run(id, [RUNNING, SUCCEEDED]), SUCCEEDED)),
  );
  await system.run("kept", [RUNNING, SUCCEEDED]);
  const { tasks } = await monitor.shows(
    ({ recentTasks: [newest] }) => newest?.id === "kept" && newest.state === SUCCEEDED,
  );
  expect(tasks).toMatchObject({ queued: 0n, running: 0n, succeeded: 1n });
});

test("a monitor that was frozen while more was deleted than it is handed at once comes to the right counts", async () => {
  await using system = await WatchedSystem.start();
  const monitor = await system.monitor();
  const ids = Array.from({ length: 1_300 }, (_, number) => `task-${number}`);
  const fences = await writes.map(ids, (id) => system.run(id, [SUCCEEDED]));
  await monitor.shows(({ upToDate, tasks }) => upToDate && tasks?.succeeded === 1_300n);
  monitor.service.kill("SIGSTOP");
  await writes.map(fences, (fence) => system.delete(fence, SUCCEEDED));
  monitor.service.kill("SIGCONT");
  await system.run("last", [FAILED]);
  const after = await monitor.shows(({ upToDate, tasks }) => upToDate && tasks?.succeeded === 0n);
  expect(after.tasks).toMatchObject({ queued: 0n, failed: 1n });
  await monitor.service.logged("events were removed before they were read; reading the log anew");
});

test("what has succeeded and leaves the log counts no more, for one that follows and one that starts late", async () => {
  await using system = await WatchedSystem.start();
  const allAlong = await system.monitor();
  await allAlong.shows(({ upToDate }) => upToDate);
  const ids = Array.from({ length: 30 }, (_, number) => `task-${number}`);
  await Promise.all(ids.map((id) => system.run(id, [RUNNING, SUCCEEDED])));
  await system.run("failed", [RUNNING, FAILED]);
  await allAlong.shows(({ tasks }) => tasks?.succeeded === 30n && tasks.failed === 1n);

  expect(await remove(system, [...ids.slice(5), "failed"])).toHaveLength(26);
  await allAlong.shows(({ tasks }) => tasks?.succeeded === 5n && tasks.failed === 0n);
  const late = await system.monitor();
  await late.shows(({ upToDate, tasks }) => upToDate && tasks?.succeeded === 5n);
});

/** Takes the tasks out of the log, as a janitor does. */
async function remove({ broker }: WatchedSystem, ids: readonly string[]) {
  const newest = await broker.scan.newest(ids, ["spec", "state"]);
  const ended = [...newest.values()].flatMap(([spec, end]) =>
    spec && end ? [{ specSequence: Number(spec.sequence), end }] : [],
  );
  return removeEnded(broker, ended);
}

test("a task whose id is used again once the first one has left counts, in whatever state it is", async () => {
  await using system = await WatchedSystem.start();
  const monitor = await system.monitor();
  for (const id of ["ends", "runs", "leaves"]) await system.run(id, [RUNNING, SUCCEEDED]);
  await monitor.shows(({ upToDate, tasks }) => upToDate && tasks?.succeeded === 3n);
  // Told with what the monitor reads next, while nobody looks.
  await remove(system, ["ends", "runs"]);
  await system.run("ends", [RUNNING, SUCCEEDED]);
  await system.run("runs", [RUNNING]);
  await remove(system, ["leaves"]);
  await system.run("last", [FAILED]);
  const { tasks: counted } = await monitor.shows(
    ({ tasks, recentTasks }) =>
      tasks?.failed === 1n && recentTasks.every(({ id }) => id !== "leaves"),
  );
  expect(counted).toMatchObject({ succeeded: 1n, running: 1n });
});
