import { expect, test } from "vitest";
import { tasksInTurn } from "../../../bench/client/tasks-in-turn.ts";

test("task types are taken in turn, by all callers together", () => {
  const next = tasksInTurn({ reports: 4 }, 3);
  const made = Array.from({ length: 7 }, next);
  expect(made.map(({ type }) => type)).toEqual([0, 1, 2, 0, 1, 2, 0]);
  expect(made.every(({ reports }) => reports === 4)).toBe(true);
});

test("without a number of types each task is as it was wanted", () => {
  const task = { reports: 0 };
  expect(tasksInTurn(task, undefined)()).toBe(task);
});
