import { describe, expect, test } from "vitest";
import type { Figures } from "../../../services/monitor/fold/figures.ts";
import { ratesOf } from "../../../services/monitor/sums.ts";
import { at, countsIn, MadeUpLog, RETENTION_MS, totalsIn } from "./made-up-log.ts";

const DAY_SECONDS = 86_400;

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
