import { create } from "@bufbuild/protobuf";
import { AnySchema } from "@bufbuild/protobuf/wkt";
import { expect, test } from "vitest";
import { SummarizePageSchema } from "#gen/millrace/tasks/v1/summarize_page_pb.ts";
import { TaskSpecSchema } from "#gen/millrace/v1/task_pb.ts";
import { SubmitTaskRequestSchema, TaskService } from "#gen/millrace/v1/task_service_pb.ts";
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

test("a text is measured in characters, whatever they take", () => {
  const spec = create(TaskSpecSchema, { input: create(AnySchema) });
  const request = (length: number) =>
    create(SubmitTaskRequestSchema, { requestId: "😀".repeat(length), spec });
  validation.check(SubmitTaskRequestSchema, request(256));
  expect(() => validation.check(SubmitTaskRequestSchema, request(257))).toThrow(
    "request_id: must be at most 256 characters",
  );
});
