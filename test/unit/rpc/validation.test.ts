import { create } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import { SummarizePageSchema } from "#gen/millrace/tasks/v1/summarize_page_pb.ts";
import { TaskService } from "#gen/millrace/v1/task_service_pb.ts";
import { Validation } from "#lib/rpc/validation.ts";
import { InvalidField } from "#lib/task/errors.ts";

const validation = new Validation();

test("the rules of every request compile", () => {
  validation.warmUp(TaskService.methods.map(({ input }) => input));
});

test("faults are told below the field that holds the message", () => {
  const page = create(SummarizePageSchema, { url: "ftp://a.b" });
  expect(validation.faults(SummarizePageSchema, page, "spec.input")).toEqual([
    {
      field: "spec.input.url",
      description: expect.stringContaining("does not match regex pattern"),
      rule: "string.pattern",
    },
  ]);
});

test("a message that keeps its rules passes the check, another does not", () => {
  validation.check(SummarizePageSchema, create(SummarizePageSchema, { url: "https://a.b" }));
  const bad = create(SummarizePageSchema, { url: "" });
  expect(() => validation.check(SummarizePageSchema, bad)).toThrow(InvalidField);
});
