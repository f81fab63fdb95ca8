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
  const ids = Array.from({ length: 1_000 }, () => taskIdOf({ taskId: "", requestId: "" }));
  expect(new Set(ids).size).toBe(1_000);
  for (const id of ids)
    expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
});
