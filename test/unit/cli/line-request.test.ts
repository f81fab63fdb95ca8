import { type JsonObject, toJson } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import { lineRequest } from "#cli/submit/line-request.ts";
import { taskTypesOf } from "#cli/task-types/task-types.ts";
import { SubmitTaskRequestSchema } from "#gen/millrace/v1/task_service_pb.ts";
import { SHIP_ORDER } from "./ship-order.ts";

const types = taskTypesOf([SHIP_ORDER]);

function asked(line: unknown, typeName?: string): JsonObject {
  const text = typeof line === "string" ? line : JSON.stringify(line);
  const request = lineRequest(text, types, typeName);
  return toJson(SubmitTaskRequestSchema, request, types) as JsonObject;
}

const INPUT = { "@type": "type.googleapis.com/shop.v1.ShipOrder", fragile: true };

describe("a line of a batch", () => {
  test("is a spec, or a request around one", () => {
    const spec = { input: INPUT, queue: "slow", delay: "600s" };
    expect(asked(spec)).toEqual({ spec });
    expect(asked({ taskId: "one", spec })).toEqual({ taskId: "one", spec });
    expect(asked({ request_id: "two", spec })).toEqual({ requestId: "two", spec });
  });

  test("names its input's type in any way that the command line knows, or leaves it to the command", () => {
    for (const name of ["shop.v1.ShipOrder", "ShipOrder"]) {
      expect(asked({ input: { "@type": name, fragile: true } })).toEqual({
        spec: { input: INPUT },
      });
    }
    expect(asked({ input: { fragile: true } }, "ShipOrder")).toEqual({ spec: { input: INPUT } });
  });

  test.each([
    ["{", "this is not JSON: "],
    ["[]", "must be a JSON object"],
    [{ input: INPUT, queu: "x" }, 'TaskSpec has no field "queu" (did you mean "queue"?)'],
    [{ taskId: "one" }, "spec: is required"],
    [{ taskId: "one", queue: "x" }, 'SubmitTaskRequest has no field "queue"'],
    [{ queue: "x" }, 'input: must be an object: {"@type": "...", ...}'],
    [{ input: {} }, 'input: must say its "@type"'],
    [{ input: { "@type": "a.B" } }, 'there is no task type "a.B"'],
    [{ input: { ...INPUT, urll: 1 } }, 'ShipOrder has no field "urll"'],
    [{ input: { ...INPUT, fragile: 1 } }, "fragile: "],
    [{ input: INPUT, delay: "ten minutes" }, 'delay: is no Duration: "ten minutes"'],
    [{ input: INPUT, delay: "1.0000000001s" }, "delay: a duration has more than 9 digits behind"],
    [{ input: INPUT, priority: "soon" }, 'priority: is no Priority: "soon"'],
    [{ input: { ...INPUT, items: ["x".repeat(2 ** 20)] } }, "1048576 are allowed"],
  ])("%s is refused", (line, message) => {
    expect(() => asked(line)).toThrow(message);
  });
});
