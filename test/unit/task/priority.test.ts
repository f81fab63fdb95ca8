import { expect, test } from "vitest";
import { Priority } from "#gen/millrace/v1/task_pb.ts";
import { LEVELS, type LevelToken, levelOf, SlotDealer } from "#lib/task/priority.ts";

test("a task without a priority is a normal one", () => {
  expect(levelOf(Priority.UNSPECIFIED)).toBe("p2");
  expect(LEVELS.map(({ priority }) => levelOf(priority))).toEqual(["p0", "p1", "p2", "p3"]);
});

test("slots are dealt 8:4:2:1 while every level has work", () => {
  expect(Object.fromEntries(new SlotDealer().deal(15))).toEqual({ p0: 8, p1: 4, p2: 2, p3: 1 });
});

test("a worker with one slot serves every level, none waiting longer than 15 turns", () => {
  const dealer = new SlotDealer();
  const turns = Array.from({ length: 150 }, () => [...dealer.deal(1).keys()][0] as LevelToken);
  for (const { token, weight } of LEVELS) {
    expect(turns.filter((turn) => turn === token)).toHaveLength(weight * 10);
    for (let from = 0; from + 15 <= turns.length; from += 15) {
      expect(turns.slice(from, from + 15)).toContain(token);
    }
  }
});

test("exactly the free slots are dealt", () => {
  const dealer = new SlotDealer();
  for (const slots of [0, 1, 7, 100]) {
    const dealt = [...dealer.deal(slots).values()].reduce((sum, share) => sum + share, 0);
    expect(dealt).toBe(slots);
  }
});
