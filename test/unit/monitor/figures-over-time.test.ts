import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { describe, expect, test } from "vitest";
import { TaskState } from "#gen/millrace/v1/task_pb.ts";
import type { Figures } from "../../../services/monitor/fold/figures.ts";
import { oldestWaitingMs, ratesOf } from "../../../services/monitor/sums.ts";
import { at, countsIn, MadeUpLog, RETENTION_MS, totalsIn } from "./made-up-log.ts";

const { QUEUED, RETRYING, CANCELED } = TaskState;
const DAY_SECONDS = 86_400;

describe("the oldest waiting task", () => {
  function waitsSince(log: MadeUpLog, seconds: number): number | undefined {
    const oldestMs = oldestWaitingMs(log.folded().series, at(seconds));
    return oldestMs === undefined ? undefined : (oldestMs - at(0)) / 1_000;
  }

  test("is the one that was accepted first and has not been started", () => {
    const log = new MadeUpLog().accepted(0, "a").accepted(1, "b").accepted(2, "c");
    expect(waitsSince(log, 10)).toBe(0);
    expect(waitsSince(log.started(3, "a"), 10)).toBe(1);
    expect(waitsSince(log.state(4, "b", CANCELED), 10)).toBe(2);
    expect(waitsSince(log.started(5, "c"), 10)).toBeUndefined();
  });

  test("waits from when it was given back", () => {
    const log = new MadeUpLog().accepted(0, "a").started(1, "a").state(7, "a", QUEUED);
    expect(waitsSince(log, 10)).toBe(7);
  });

  test("may be a retry, which waits from when it is due", () => {
    const log = new MadeUpLog().accepted(0, "a").started(1, "a");
    log.state(2, "a", RETRYING, { failures: 1, nextAttemptTime: timestampFromMs(at(20)) });
    expect(waitsSince(log, 10)).toBeUndefined();
    expect(waitsSince(log, 30)).toBe(20);
  });
});

describe("the retention", () => {
  test("takes out what the log has forgotten, and only that", () => {
    const log = new MadeUpLog()
      .accepted(0, "old and waiting")
      .accepted(1, "old and ended")
      .started(2, "old and ended")
      .succeeded(3, "old and ended")
      .accepted(DAY_SECONDS, "young");
    const figures = log.folded();
    figures.forget(at(0) + RETENTION_MS - 1);
    expect(countsIn(figures)).toEqual({ queued: 2, succeeded: 1 });
    figures.forget(at(120) + RETENTION_MS);
    expect(countsIn(figures)).toEqual({ queued: 1 });
    expect(figures.recent.list(() => true).map(({ id }) => id)).toEqual(["young"]);
    expect(oldestWaitingMs(figures.series, at(120) + RETENTION_MS)).toBe(at(DAY_SECONDS));
    expect(figures.workers.all()).toEqual([]);
  });

  test("leaves the totals as they are", () => {
    const figures = new MadeUpLog().accepted(0, "a").started(1, "a").succeeded(2, "a").folded();
    figures.forget(at(120) + RETENTION_MS);
    expect(countsIn(figures)).toEqual({});
    expect(totalsIn(figures)).toMatchObject({ accepted: 1, succeeded: 1 });
  });

  test("ends a task's story: what comes later of it counts nowhere", () => {
    const figures = new MadeUpLog().accepted(0, "a").folded();
    figures.forget(at(1) + RETENTION_MS);
    for (const event of new MadeUpLog().started(8 * DAY_SECONDS, "a").events) figures.apply(event);
    expect(countsIn(figures)).toEqual({});
  });

  test("needs no one to ask: the log's own times will do", () => {
    const log = new MadeUpLog().accepted(0, "a").accepted(8 * DAY_SECONDS, "b");
    expect(countsIn(log.folded())).toEqual({ queued: 1 });
  });
});

describe("a replay", () => {
  const log = new MadeUpLog();
  for (let second = 0; second < 120; second += 1) {
    log.accepted(second, `task-${second}`).started(second, `task-${second}`);
    if (second % 2 === 0) log.succeeded(second + 0.5, `task-${second}`);
  }

  test("gives the rates of the time when it happened", () => {
    expect(ratesOf(log.folded().series, at(119.9))).toEqual({
      acceptedPerSecond: 1,
      startedPerSecond: 1,
      succeededPerSecond: 0.5,
      failedPerSecond: 0,
      retriedPerSecond: 0,
    });
  });

  test("an hour later shows no burst", () => {
    const rates = ratesOf(log.folded().series, at(3_600));
    expect(Object.values(rates)).toEqual([0, 0, 0, 0, 0]);
  });

  test("comes to the same figures", () => {
    const known = (figures: Figures) => [
      countsIn(figures),
      totalsIn(figures),
      figures.queueWait.figures(),
      figures.runTime.figures(),
      figures.workers.all(),
      figures.recent.list(() => true),
      figures.sequence,
    ];
    expect(known(log.folded())).toEqual(known(log.folded()));
  });
});
