import { expect, test } from "vitest";
import { Readiness } from "#lib/process/readiness.ts";

test("a service is ready when all of its parts are, and says why it is not", () => {
  const readiness = new Readiness(["broker", "log"]);
  expect(readiness.reasons).toEqual({ broker: "starting", log: "starting" });
  readiness.green("broker");
  expect(readiness.ready).toBe(false);
  readiness.green("log");
  expect(readiness.ready).toBe(true);
  readiness.red("broker", "away");
  expect(readiness.reasons).toEqual({ broker: "away" });
});

test("listeners hear of every change once, and of nothing after they have gone", () => {
  const readiness = new Readiness(["broker"]);
  const heard: boolean[] = [];
  const listening = readiness.onChange((ready) => heard.push(ready));
  readiness.red("broker", "still starting");
  readiness.green("broker");
  readiness.green("broker");
  readiness.red("process", "leaving");
  listening[Symbol.dispose]();
  readiness.green("process");
  expect(heard).toEqual([true, false]);
});
