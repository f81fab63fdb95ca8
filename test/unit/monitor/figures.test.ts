import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { describe, expect, test } from "vitest";
import { TaskState } from "#gen/millrace/v1/task_pb.ts";
import { refuseTask } from "#lib/task/next-state.ts";
import { ratesOf } from "../../../services/monitor/sums.ts";
import { at, countsIn, MadeUpLog, totalsIn } from "./made-up-log.ts";

const { QUEUED, RETRYING, FAILED, CANCELED, EXPIRED } = TaskState;

describe("tasks by state", () => {
  test("a task counts once, in the state that it came to last", () => {
    const log = new MadeUpLog().accepted(0, "a");
    expect(countsIn(log.folded())).toEqual({ queued: 1 });
    expect(countsIn(log.started(1, "a").folded())).toEqual({ running: 1 });
    expect(countsIn(log.succeeded(2, "a").folded())).toEqual({ succeeded: 1 });
  });

  test("what has left the log counts no more, but what happened has happened", () => {
    const log = new MadeUpLog().accepted(0, "a").started(1, "a").succeeded(2, "a");
    const figures = log.accepted(3, "b").folded();
    const before = totalsIn(figures);
    figures.left("a", 3);
    figures.left("unknown", 3);
    expect(countsIn(figures)).toEqual({ queued: 1 });
    expect(totalsIn(figures)).toEqual(before);
  });

  test("a task whose departure is told late takes none of its id away that was accepted later, in whatever state", () => {
    const log = new MadeUpLog().accepted(0, "a").started(1, "a").succeeded(2, "a");
    const ended = log.accepted(3, "a").started(4, "a").succeeded(5, "a").folded();
    ended.left("a", 3);
    expect(countsIn(ended)).toEqual({ succeeded: 1 });
    const waits = log.accepted(6, "a").folded();
    waits.left("a", 6);
    expect(countsIn(waits)).toEqual({ queued: 1 });
    expect(waits.recent.list(() => true)).toHaveLength(1);
  });

  test("every end counts", () => {
    const log = new MadeUpLog();
    for (const id of ["a", "b", "c", "d"]) log.accepted(0, id).started(1, id);
    log.succeeded(2, "a").state(2, "b", FAILED, { failures: 1 });
    log.state(2, "c", CANCELED).state(2, "d", EXPIRED);
    expect(countsIn(log.folded())).toEqual({ succeeded: 1, failed: 1, canceled: 1, expired: 1 });
  });

  test("queues and types are counted apart", () => {
    const log = new MadeUpLog()
      .accepted(0, "a", { queue: "mail" })
      .accepted(0, "b", { queue: "mail", input: { typeUrl: "type.googleapis.com/test.v1.Other" } })
      .accepted(0, "c", { queue: "" });
    const counted = log
      .folded()
      .series.map(({ queue, type, tasks }) => [queue, type, tasks.of(QUEUED)]);
    expect(counted).toEqual([
      ["mail", "test.v1.Work", 1],
      ["mail", "test.v1.Other", 1],
      ["default", "test.v1.Work", 1],
    ]);
  });

  test("what happens after the end changes nothing", () => {
    const log = new MadeUpLog().accepted(0, "a").started(1, "a").succeeded(2, "a");
    log.state(3, "a", CANCELED).started(4, "a");
    expect(countsIn(log.folded())).toEqual({ succeeded: 1 });
  });

  test("progress, output and log lines change only the sequence", () => {
    const log = new MadeUpLog().accepted(0, "a").started(1, "a");
    log.add(2, "a", { case: "progress", value: { attempt: 1, fraction: 0.5 } });
    log.add(3, "a", {
      case: "output",
      value: { attempt: 1, content: { case: "text", value: "x" } },
    });
    log.add(4, "a", { case: "log", value: { attempt: 1, message: "hello" } });
    const figures = log.folded();
    expect(countsIn(figures)).toEqual({ running: 1 });
    expect(figures.sequence).toBe(5n);
  });

  test("a state change of a task whose acceptance is no longer in the log counts nowhere", () => {
    const log = new MadeUpLog().started(0, "forgotten").succeeded(1, "forgotten");
    expect(countsIn(log.folded())).toEqual({});
    expect(log.folded().sequence).toBe(2n);
  });

  test("a task that was deleted and submitted again counts once", () => {
    const log = new MadeUpLog().accepted(0, "a").started(1, "a").accepted(2, "a");
    expect(countsIn(log.folded())).toEqual({ queued: 1 });
  });
});

describe("a refused submit", () => {
  const log = new MadeUpLog().accepted(0, "kept").accepted(1, "refused");
  log.add(2, "refused", { case: "state", value: refuseTask("default") });

  test("was never a task", () => {
    const figures = log.folded();
    expect(countsIn(figures)).toEqual({ queued: 1 });
    expect(figures.recent.list(() => true).map(({ id }) => id)).toEqual(["kept"]);
    expect(ratesOf(figures.series, at(2))).toMatchObject({
      acceptedPerSecond: 1 / 60,
      failedPerSecond: 0,
    });
  });

  test("does not make the total of accepted tasks shrink: the next one counts in its stead", () => {
    const figures = log.folded();
    expect(totalsIn(figures)).toEqual({ accepted: 2 });
    for (const event of new MadeUpLog().accepted(3, "next").events) figures.apply(event);
    expect(totalsIn(figures)).toEqual({ accepted: 2 });
    expect(countsIn(figures)).toEqual({ queued: 2 });
  });

  test("may be submitted again", () => {
    const figures = log.folded();
    for (const event of new MadeUpLog().accepted(3, "refused").events) figures.apply(event);
    expect(countsIn(figures)).toEqual({ queued: 2 });
  });
});

describe("attempts", () => {
  test("a retry is counted, and each attempt's run time", () => {
    const log = new MadeUpLog().accepted(0, "a").started(2, "a");
    log.state(5, "a", RETRYING, { failures: 1, nextAttemptTime: timestampFromMs(at(6)) });
    log.started(7, "a", { attempt: 2, failures: 1 });
    log.succeeded(8, "a", { attempt: 2, failures: 1 });
    const figures = log.folded();
    expect(totalsIn(figures)).toEqual({ accepted: 1, started: 2, succeeded: 1, retried: 1 });
    expect(figures.queueWait.figures()).toMatchObject({ count: 1, maxSeconds: 2 });
    expect(figures.runTime.figures()).toMatchObject({ count: 2, p50Seconds: 1, maxSeconds: 3 });
    expect(figures.workers.all()).toMatchObject([{ id: "worker-1", succeeded: 1, failed: 1 }]);
  });

  test("a crashed attempt has no run time, for nobody knows when it ended", () => {
    const log = new MadeUpLog().accepted(0, "a").started(1, "a");
    log.started(10, "a", { attempt: 2, crashes: 1, workerId: "worker-2" });
    log.succeeded(12, "a", { attempt: 2, crashes: 1, workerId: "worker-2" });
    const figures = log.folded();
    expect(countsIn(figures)).toEqual({ succeeded: 1 });
    expect(figures.runTime.figures()).toMatchObject({ count: 1, maxSeconds: 2 });
    expect(figures.queueWait.figures()).toMatchObject({ count: 1, maxSeconds: 1 });
    expect(figures.workers.all()).toMatchObject([
      { id: "worker-1", succeeded: 0, failed: 0 },
      { id: "worker-2", succeeded: 1, failed: 0 },
    ]);
  });

  test("a task that took down too many workers fails without a failed attempt", () => {
    const log = new MadeUpLog().accepted(0, "a").started(1, "a");
    log.state(11, "a", FAILED, { crashes: 1 });
    const figures = log.folded();
    expect(totalsIn(figures)).toMatchObject({ failed: 1 });
    expect(figures.runTime.figures().count).toBe(0);
    expect(figures.workers.all()).toMatchObject([{ failed: 0, lastSeenMs: at(1) }]);
  });

  test("an attempt that its worker gave back ran, and neither succeeded nor failed", () => {
    const log = new MadeUpLog().accepted(0, "a").started(1, "a").state(3, "a", QUEUED);
    const figures = log.folded();
    expect(countsIn(figures)).toEqual({ queued: 1 });
    expect(figures.runTime.figures()).toMatchObject({ count: 1, maxSeconds: 2 });
    expect(figures.workers.all()).toMatchObject([{ succeeded: 0, failed: 0 }]);
  });

  test("a cancel ends the attempt, but is no sign of its worker", () => {
    const log = new MadeUpLog().accepted(0, "a").started(1, "a").state(5, "a", CANCELED);
    const figures = log.folded();
    expect(countsIn(figures)).toEqual({ canceled: 1 });
    expect(figures.runTime.figures()).toMatchObject({ count: 1, maxSeconds: 4 });
    expect(figures.workers.all()).toMatchObject([{ lastSeenMs: at(1), succeeded: 0, failed: 0 }]);
  });

  test("a task that is canceled while it waits never ran", () => {
    const figures = new MadeUpLog().accepted(0, "a").state(5, "a", CANCELED).folded();
    expect(figures.runTime.figures().count).toBe(0);
    expect(figures.queueWait.figures().count).toBe(0);
  });
});
