import { expect, test } from "vitest";
import { Priority } from "#gen/millrace/v1/task_pb.ts";
import { LEVELS, type LevelToken, LevelTurns, levelOf } from "#lib/task/priority.ts";

const ALL = new Set(LEVELS.map(({ token }) => token));

function turnsOf(turns: LevelTurns, count: number, withWork: ReadonlySet<LevelToken>) {
  return Array.from({ length: count }, () => turns.next(withWork));
}

test("a task without a priority is a normal one", () => {
  expect(levelOf(Priority.UNSPECIFIED)).toBe("p2");
  expect(LEVELS.map(({ priority }) => levelOf(priority))).toEqual(["p0", "p1", "p2", "p3"]);
});

test("turns are dealt 8:4:2:1 while every level has work, and none waits for longer than 15", () => {
  const turns = turnsOf(new LevelTurns(), 150, ALL);
  for (const { token, weight } of LEVELS) {
    expect(turns.filter((turn) => turn === token)).toHaveLength(weight * 10);
    for (let from = 0; from + 15 <= turns.length; from += 15) {
      expect(turns.slice(from, from + 15)).toContain(token);
    }
  }
});

test("levels without work leave their turns to the others, by their weights", () => {
  const turns = new LevelTurns();
  const two = turnsOf(turns, 50, new Set<LevelToken>(["p1", "p3"]));
  expect(two.filter((turn) => turn === "p1")).toHaveLength(40);
  expect(two.filter((turn) => turn === "p3")).toHaveLength(10);
  expect(turnsOf(turns, 3, new Set<LevelToken>(["p2"]))).toEqual(["p2", "p2", "p2"]);
});

test("nobody's turn comes when no level has work", () => {
  expect(new LevelTurns().next(new Set())).toBeUndefined();
});
