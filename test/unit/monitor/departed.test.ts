import { expect, test } from "vitest";
import { Departed } from "../../../services/monitor/departed.ts";
import { countsIn, MadeUpLog } from "./made-up-log.ts";

test("departures that a gateway of an earlier release tells are read, and take no later task of an id away", () => {
  const log = new MadeUpLog().accepted(0, "left").started(1, "left").succeeded(2, "left");
  const figures = log.accepted(3, "again").started(4, "again").succeeded(5, "again").folded();
  const departed = new Departed();
  departed.onLeft({ taskIds: ["left", "again"], sequence: 3 });
  departed.apply(figures);
  expect(countsIn(figures)).toEqual({ succeeded: 1 });
});

test("each task leaves by its own last event, once the log was read up to the last of all", () => {
  const log = new MadeUpLog().accepted(0, "a").succeeded(1, "a").accepted(2, "a");
  const departed = new Departed();
  departed.onLeft({ taskIds: ["a", "b"], sequences: [2, 5], sequence: 5 });
  const figures = log.accepted(3, "b").folded();
  departed.apply(figures);
  expect(countsIn(figures)).toEqual({ queued: 2 });
  for (const event of log.succeeded(4, "b").events.slice(-1)) figures.apply(event);
  departed.apply(figures);
  expect(countsIn(figures)).toEqual({ queued: 1 });
});
