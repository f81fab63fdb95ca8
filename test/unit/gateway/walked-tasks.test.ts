import { create } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import {
  StateChangeSchema,
  type TaskEvent,
  TaskEventSchema,
  TaskSpecSchema,
  TaskState,
} from "#gen/millrace/v1/task_pb.ts";
import { WalkedTasks } from "../../../services/gateway/janitor/walked-tasks.ts";

const { RUNNING, SUCCEEDED, FAILED } = TaskState;

function spec(sequence: bigint, taskId = "a"): TaskEvent {
  const value = create(TaskSpecSchema);
  return create(TaskEventSchema, { taskId, sequence, facet: { case: "spec", value } });
}

function state(sequence: bigint, to: TaskState, taskId = "a"): TaskEvent {
  const value = create(StateChangeSchema, { state: to });
  return create(TaskEventSchema, { taskId, sequence, facet: { case: "state", value } });
}

test("the end of a task comes with all of its events, those of runs before it too", () => {
  const tasks = new WalkedTasks();
  expect(tasks.see(spec(1n))).toBeUndefined();
  expect(tasks.see(state(3n, RUNNING))).toBeUndefined();
  expect(tasks.see(state(4n, FAILED))).toMatchObject({ specSequence: 1, sequences: [3, 4] });
  expect(tasks.see(state(6n, RUNNING))).toBeUndefined();
  expect(tasks.see(state(8n, SUCCEEDED))).toMatchObject({ sequences: [3, 4, 6, 8] });
});

test("states without a spec are nobody's, and a new spec is another task", () => {
  const tasks = new WalkedTasks();
  expect(tasks.see(state(1n, SUCCEEDED))).toBeUndefined();
  tasks.see(spec(2n));
  tasks.see(state(3n, FAILED));
  tasks.see(spec(4n));
  expect(tasks.see(state(5n, SUCCEEDED))).toMatchObject({ specSequence: 4, sequences: [5] });
  tasks.forget("a");
  expect(tasks.see(state(6n, SUCCEEDED))).toBeUndefined();
});

test("no more tasks are remembered than may be", () => {
  const tasks = new WalkedTasks(1);
  tasks.see(spec(1n, "a"));
  tasks.see(spec(2n, "b"));
  expect(tasks.see(state(3n, SUCCEEDED, "b"))).toBeUndefined();
  expect(tasks.see(state(4n, SUCCEEDED, "a"))).toMatchObject({ specSequence: 1 });
  tasks.clear();
  expect(tasks.see(state(5n, SUCCEEDED, "a"))).toBeUndefined();
});
