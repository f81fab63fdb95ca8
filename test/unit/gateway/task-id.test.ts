import { expect, test } from "vitest";
import { taskIdOf } from "../../../services/gateway/task-id.ts";

test("the caller's own id is the task's", () => {
  expect(taskIdOf({ taskId: "mine", requestId: "" })).toBe("mine");
});

test("the same request id gives the same task id, in every gateway and for ever", () => {
  const id = taskIdOf({ taskId: "", requestId: "order 4711 / page" });
  expect(id).toBe("bbcf4196-3e4b-5e40-882c-9cfcdeb2b281");
  expect(taskIdOf({ taskId: "", requestId: "order 4712" })).not.toBe(id);
});

test("without either, every submit is a new task", () => {
  const ids = [1, 2, 3].map(() => taskIdOf({ taskId: "", requestId: "" }));
  expect(new Set(ids).size).toBe(3);
});
