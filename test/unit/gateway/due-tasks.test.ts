import { expect, test } from "vitest";
import { type Due, DueTasks } from "../../../services/gateway/janitor/due-tasks.ts";

function due(taskId: string): Due {
  return { taskId, specSequence: 1n };
}

test("tasks come when their time has come, the earliest first, and once", () => {
  const tasks = new DueTasks();
  tasks.add(due("late"), 5_000);
  tasks.add(due("early"), 2_500);
  tasks.add(due("early too"), 2_900);
  expect(tasks.takeDue(2_999)).toEqual([]);
  expect(tasks.takeDue(3_000)).toEqual([due("early"), due("early too")]);
  tasks.add(due("earlier"), 4_000);
  expect(tasks.takeDue(60_000)).toEqual([due("earlier"), due("late")]);
  expect(tasks.takeDue(60_000)).toEqual([]);
});

test("what is forgotten does not come", () => {
  const tasks = new DueTasks();
  tasks.add(due("one"), 1_000);
  tasks.clear();
  expect(tasks.takeDue(60_000)).toEqual([]);
});
