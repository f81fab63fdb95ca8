import { create } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import { Priority, type TaskSpec, TaskSpecSchema } from "#gen/millrace/v1/task_pb.ts";
import { type RoutingRule, routed } from "#lib/task/routing.ts";

const NAMES = ["a.v1.Report", "report"];

function specOf(given: { bytes?: number; labels?: Record<string, string> } = {}): TaskSpec {
  const { bytes = 0, labels = {} } = given;
  return create(TaskSpecSchema, { labels, input: { value: new Uint8Array(bytes) } });
}

function placeOf(spec: TaskSpec, ...rules: RoutingRule[]) {
  const { queue, priority } = routed(spec, NAMES, rules);
  return [queue, priority];
}

test("without a rule, tasks wait in the default queue at NORMAL", () => {
  expect(placeOf(specOf())).toEqual(["default", Priority.NORMAL]);
});

test("a rule without conditions is for all tasks", () => {
  const rule = { queue: "slow", priority: Priority.LOW };
  expect(placeOf(specOf(), rule)).toEqual(["slow", Priority.LOW]);
  expect(placeOf(create(TaskSpecSchema), rule)).toEqual(["slow", Priority.LOW]);
});

test("what the caller says holds, and a rule fills in the rest", () => {
  const rule = { queue: "slow", priority: Priority.LOW };
  expect(placeOf({ ...specOf(), queue: "mine" }, rule)).toEqual(["mine", Priority.LOW]);
  expect(placeOf({ ...specOf(), priority: Priority.HIGH }, rule)).toEqual(["slow", Priority.HIGH]);
});

test("the first rule that is met decides alone", () => {
  const rules = [{ priority: Priority.HIGH }, { queue: "slow", priority: Priority.LOW }];
  expect(placeOf(specOf(), ...rules)).toEqual(["default", Priority.HIGH]);
});

test("a task type may be named in full or by its alias", () => {
  for (const [taskType, queue] of [
    ["a.v1.Report", "reports"],
    ["report", "reports"],
    ["Report", "default"],
  ] as const) {
    expect(placeOf(specOf(), { taskType, queue: "reports" })[0]).toBe(queue);
  }
});

test("all labels of a rule must be borne, others don't matter", () => {
  const rule = { labels: { team: "a", size: "xl" }, queue: "slow" };
  expect(placeOf(specOf({ labels: { team: "a", size: "xl", more: "" } }), rule)[0]).toBe("slow");
  expect(placeOf(specOf({ labels: { team: "a" } }), rule)[0]).toBe("default");
  expect(placeOf(specOf({ labels: { team: "a", size: "s" } }), rule)[0]).toBe("default");
});

test("both bounds of the input's size are included", () => {
  const rule = { minInputBytes: 10, maxInputBytes: 20, queue: "slow" };
  const queues = [9, 10, 20, 21].map((bytes) => placeOf(specOf({ bytes }), rule)[0]);
  expect(queues).toEqual(["default", "slow", "slow", "default"]);
});

test("every condition of a rule must be met", () => {
  const rule = { taskType: "report", minInputBytes: 10, queue: "slow" };
  expect(placeOf(specOf({ bytes: 10 }), rule)[0]).toBe("slow");
  expect(placeOf(specOf({ bytes: 9 }), rule)[0]).toBe("default");
  expect(routed(specOf({ bytes: 10 }), ["other"], [rule]).queue).toBe("default");
});
