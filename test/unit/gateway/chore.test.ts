import { expect, test } from "vitest";
import { QUIET } from "#test/support/broker.ts";
import { keepDoing } from "../../../services/gateway/janitor/chore.ts";
import { JanitorFigures } from "../../../services/gateway/janitor/figures.ts";

test("a chore that could not be done is counted, and done again", async () => {
  const figures = new JanitorFigures();
  const enough = new AbortController();
  let passes = 0;
  const chore = {
    name: "test",
    everyMs: 1,
    async pass() {
      passes += 1;
      if (passes === 1) throw new Error("not now");
      if (passes === 3) enough.abort();
    },
  };
  await keepDoing(chore, { figures, log: QUIET }, enough.signal);
  expect(passes).toBe(3);
  expect(figures.failures).toEqual(new Map([["test", 1]]));
  expect(figures.lastPasses.has("test")).toBe(true);
});

test("a pass that its signal ends early is no failure", async () => {
  const figures = new JanitorFigures();
  const ended = new AbortController();
  const chore = {
    name: "test",
    everyMs: 1,
    async pass() {
      ended.abort();
      throw new Error("the leader has lost its lease");
    },
  };
  await keepDoing(chore, { figures, log: QUIET }, ended.signal);
  expect(figures.failures.size).toBe(0);
});
