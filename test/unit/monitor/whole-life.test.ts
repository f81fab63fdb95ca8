import { durationFromMs, timestampFromMs } from "@bufbuild/protobuf/wkt";
import { describe, expect, test } from "vitest";
import { TaskState } from "#gen/millrace/v1/task_pb.ts";
import { at, countsIn, MadeUpLog, RETENTION_MS, totalsIn } from "./made-up-log.ts";

const { SCHEDULED, QUEUED, RUNNING, RETRYING, FAILED, CANCELED, EXPIRED } = TaskState;
const IN_A_MINUTE = { start: { case: "delay" as const, value: durationFromMs(60_000) } };

function restarted(seconds: number, restarts = 1) {
  return { restarts, restartTime: timestampFromMs(at(seconds)), restartedBy: "ada" };
}

describe("a task with a start time to come", () => {
  test("is scheduled until it is queued, or started", () => {
    const log = new MadeUpLog().accepted(0, "a", IN_A_MINUTE).accepted(0, "b", IN_A_MINUTE);
    expect(countsIn(log.folded())).toEqual({ scheduled: 2 });
    log.state(60, "a", QUEUED, { attempt: 0 }).started(61, "b");
    expect(countsIn(log.folded())).toEqual({ queued: 1, running: 1 });
  });

  test("is queued at once if that time is now or past", () => {
    const value = timestampFromMs(at(0));
    const log = new MadeUpLog().accepted(0, "a", { start: { case: "startTime", value } });
    log.accepted(1, "b", { start: { case: "startTime", value } });
    expect(countsIn(log.folded())).toEqual({ queued: 2 });
  });

  test.each([CANCELED, EXPIRED, FAILED, SCHEDULED])("may go on to state %i", (state) => {
    const log = new MadeUpLog().accepted(0, "a", IN_A_MINUTE);
    const figures = log.state(5, "a", state, { attempt: 0 }).folded();
    expect(figures.series[0]?.tasks.of(state)).toBe(1);
    expect(Object.values(countsIn(figures))).toEqual([1]);
  });

  test("waits from that time, not from when it was accepted", () => {
    const log = new MadeUpLog().accepted(0, "a", IN_A_MINUTE);
    const figures = log.started(63, "a").folded();
    expect(figures.queueWait.figures()).toMatchObject({ count: 1, maxSeconds: 3 });
  });

  test("is shown with that time, and with its limits", () => {
    const log = new MadeUpLog().accepted(0, "a", {
      ...IN_A_MINUTE,
      expiry: { case: "ttl", value: durationFromMs(5_000) },
      taskTimeout: durationFromMs(9_000),
    });
    const [task] = log.folded().recent.list(() => true);
    expect(task).toMatchObject({
      state: SCHEDULED,
      nextAttemptTime: timestampFromMs(at(60)),
      expireTime: timestampFromMs(at(65)),
      deadline: timestampFromMs(at(69)),
    });
  });
});

describe("a task that ended without success", () => {
  test.each([FAILED, CANCELED, EXPIRED])("counts again where it was started again (%i)", (end) => {
    const log = new MadeUpLog().accepted(0, "a").state(1, "a", end, { attempt: 0 });
    log.state(9, "a", QUEUED, { attempt: 0, ...restarted(9) });
    expect(countsIn(log.folded())).toEqual({ queued: 1 });
    log.started(10, "a", restarted(9)).succeeded(12, "a", restarted(9));
    expect(countsIn(log.folded())).toEqual({ succeeded: 1 });
    expect(totalsIn(log.folded())).toMatchObject({ accepted: 1, restarted: 1, succeeded: 1 });
  });

  test("may be running at once, when a worker was faster than whoever asked", () => {
    const log = new MadeUpLog().accepted(0, "a").started(1, "a");
    log.state(3, "a", FAILED, { failures: 1 });
    log.started(9, "a", { attempt: 2, ...restarted(8) });
    log.state(10, "a", FAILED, { attempt: 2, failures: 1, ...restarted(8) });
    const figures = log.folded();
    expect(countsIn(figures)).toEqual({ failed: 1 });
    expect(totalsIn(figures)).toEqual({ accepted: 1, started: 2, failed: 2, restarted: 1 });
    expect(figures.runTime.figures()).toMatchObject({ count: 2, p50Seconds: 1, maxSeconds: 2 });
    expect(figures.queueWait.figures()).toMatchObject({ count: 1, maxSeconds: 1 });
    expect(figures.workers.all()).toMatchObject([{ failed: 2 }]);
  });

  test("has waited since it was started again, if it never ran before", () => {
    const log = new MadeUpLog().accepted(0, "a").state(5, "a", EXPIRED, { attempt: 0 });
    const figures = log.started(12, "a", restarted(10)).folded();
    expect(figures.queueWait.figures()).toMatchObject({ count: 1, maxSeconds: 2 });
  });

  test("is shown with how often it was started again", () => {
    const log = new MadeUpLog().accepted(0, "a").state(1, "a", CANCELED, { attempt: 0 });
    log.state(9, "a", QUEUED, { attempt: 0, ...restarted(9, 2) });
    const [task] = log.folded().recent.list(() => true);
    expect(task).toMatchObject({ state: QUEUED, restarts: 2, restartedBy: "ada" });
    expect(task?.endTime).toBeUndefined();
  });

  test("stays as it is, unless it is started again", () => {
    const log = new MadeUpLog().accepted(0, "a").state(1, "a", CANCELED, { attempt: 0 });
    log.state(2, "a", FAILED).succeeded(3, "a").state(4, "a", RETRYING);
    expect(countsIn(log.folded())).toEqual({ canceled: 1 });
    expect(totalsIn(log.folded())).toEqual({ accepted: 1 });
  });

  test("is forgotten with the log, restarted or not", () => {
    const log = new MadeUpLog().accepted(0, "a").accepted(1, "b");
    log.state(2, "a", FAILED).state(2, "b", EXPIRED, { attempt: 0 });
    log.state(3, "b", QUEUED, { attempt: 0, ...restarted(3) });
    const figures = log.folded();
    figures.forget(at(0) + RETENTION_MS + 1);
    expect(countsIn(figures)).toEqual({ queued: 1 });
    figures.forget(at(60) + RETENTION_MS);
    expect(countsIn(figures)).toEqual({});
  });
});

describe("an expired task", () => {
  test("is counted, and is no failure", () => {
    const figures = new MadeUpLog()
      .accepted(0, "a")
      .state(5, "a", EXPIRED, { attempt: 0 })
      .folded();
    expect(countsIn(figures)).toEqual({ expired: 1 });
    expect(totalsIn(figures)).toEqual({ accepted: 1, expired: 1 });
  });
});

describe("a task that was deleted", () => {
  const ends = [TaskState.SUCCEEDED, FAILED, CANCELED, EXPIRED];

  test.each(ends)("leaves the counts of its queue and type (state %i)", (end) => {
    const log = new MadeUpLog();
    for (const [id, queue] of [["a", "bulk"] as const, ["b", "mail"] as const]) {
      log.accepted(0, id, { queue }).started(1, id).state(2, id, end);
    }
    const figures = log.state(3, "a", end, { deleted: true }).folded();
    expect(figures.series.map(({ queue, tasks }) => [queue, tasks.of(end)])).toEqual([
      ["bulk", 0],
      ["mail", 1],
    ]);
    expect(figures.recent.list(() => true).map(({ id }) => id)).toEqual(["b"]);
  });

  test.each(ends)("leaves them once, however often that is said (state %i)", (end) => {
    const log = new MadeUpLog().accepted(0, "kept").started(1, "kept").state(2, "kept", end);
    log.accepted(0, "a").started(1, "a").state(2, "a", end);
    for (let times = 0; times < 3; times += 1) log.state(3, "a", end, { deleted: true });
    expect(Object.values(countsIn(log.folded()))).toEqual([1]);
  });

  test("leaves the totals as they are", () => {
    const log = new MadeUpLog().accepted(0, "a").started(1, "a").succeeded(2, "a");
    log.state(3, "a", TaskState.SUCCEEDED, { deleted: true });
    expect(totalsIn(log.folded())).toEqual({ accepted: 1, started: 1, succeeded: 1 });
  });

  test("does not count twice when it is forgotten later", () => {
    const log = new MadeUpLog().accepted(0, "a").started(1, "a").succeeded(2, "a");
    log.accepted(0, "b").started(1, "b").succeeded(2, "b");
    const figures = log.state(3, "a", TaskState.SUCCEEDED, { deleted: true }).folded();
    figures.forget(at(120) + RETENTION_MS);
    expect(countsIn(figures)).toEqual({});
  });

  test("does no harm if it was forgotten before", () => {
    const log = new MadeUpLog().accepted(0, "a").started(1, "a").succeeded(2, "a");
    log.accepted(8 * 86_400, "b");
    log.state(8 * 86_400, "a", TaskState.SUCCEEDED, { deleted: true });
    expect(countsIn(log.folded())).toEqual({ queued: 1 });
  });

  test.each(ends)(
    "counts once when its id is used again, though its mark was missed (state %i)",
    (end) => {
      const log = new MadeUpLog().accepted(0, "a").started(1, "a");
      log.add(1, "a", { case: "progress", value: { attempt: 1, note: "of the first one" } });
      log.state(2, "a", end);
      log.accepted(9, "a").started(10, "a");
      const figures = log.folded();
      expect(countsIn(figures)).toEqual({ running: 1 });
      const [task] = figures.recent.list(() => true);
      expect(task).toMatchObject({ state: RUNNING, createTime: timestampFromMs(at(9)) });
      expect(task?.progress).toBeUndefined();
    },
  );
});

test("a checkpoint changes only the sequence", () => {
  const log = new MadeUpLog().accepted(0, "a").started(1, "a");
  const before = log.folded();
  log.add(2, "a", { case: "checkpoint", value: { attempt: 1 } });
  const after = log.folded();
  expect(after.sequence).toBe(before.sequence + 1n);
  expect(countsIn(after)).toEqual(countsIn(before));
  expect(after.recent.list(() => true)).toEqual(before.recent.list(() => true));
});
