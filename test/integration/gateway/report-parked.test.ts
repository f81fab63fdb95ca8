import { expect, test } from "vitest";
import { openTestBroker, QUIET } from "#test/support/broker.ts";
import { startTestNats } from "#test/support/nats.ts";
import { JanitorFigures } from "../../../services/gateway/janitor/figures.ts";
import { reportParked } from "../../../services/gateway/janitor/report-parked.ts";

const HOUR_MS = 3_600_000;
const NEVER = new AbortController().signal;

test("what was put aside is told when it comes, and again every hour while it stays", async () => {
  await using nats = await startTestNats();
  await using broker = await openTestBroker(nats.url);
  const told: string[] = [];
  const log = { ...QUIET, warn: (_: object, message: string) => void told.push(message) };
  const figures = new JanitorFigures();
  let nowMs = Date.now();
  const chore = reportParked({ broker, log, figures, now: () => nowMs });
  const tellings = async (): Promise<string[]> => {
    await chore.pass(NEVER);
    return told.splice(0);
  };
  expect(await tellings()).toEqual([]);
  expect(figures.parked).toMatchObject({ count: 0, oldestTime: undefined });

  await broker.parked.add({ subject: "mr.queue.default.p2.x", data: new Uint8Array(3) }, "no task");
  expect(await tellings()).toEqual(["messages that are no tasks were put aside"]);
  expect(await tellings()).toEqual([]);
  expect(figures.parked?.count).toBe(1);
  for (const _ of ["first hour", "second hour"]) {
    nowMs += HOUR_MS + 60_000;
    expect(await tellings()).toEqual(["messages that were put aside are still there"]);
    expect(await tellings()).toEqual([]);
  }
  const [parked] = await broker.parked.list(0, 1);
  await broker.parked.delete(parked?.sequence ?? 0);
  nowMs += 2 * HOUR_MS;
  expect(await tellings()).toEqual([]);
});
