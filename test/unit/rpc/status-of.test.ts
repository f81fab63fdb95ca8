import { anyUnpack } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError } from "@connectrpc/connect";
import { expect, test } from "vitest";
import { BadRequestSchema, ErrorInfoSchema } from "#gen/google/rpc/error_details_pb.ts";
import { statusOf } from "#lib/rpc/status-of.ts";
import { InvalidField } from "#lib/task/errors.ts";

test("an error within an answer says all that a call's own error says", () => {
  const { code, message, details } = statusOf(new InvalidField("tasks[3].spec.queue", "is wrong"));
  expect([code, message]).toEqual([Code.InvalidArgument, "tasks[3].spec.queue: is wrong"]);
  const [info, bad] = details;
  expect(info && anyUnpack(info, ErrorInfoSchema)).toMatchObject({ reason: "INVALID_FIELD" });
  expect(bad && anyUnpack(bad, BadRequestSchema)).toMatchObject({
    fieldViolations: [{ field: "tasks[3].spec.queue", description: "is wrong" }],
  });
});

test("details that came from another server are handed on as they are", () => {
  const error = new ConnectError("no", Code.NotFound);
  error.details.push({ type: "some.Detail", value: Uint8Array.of(1, 2) });
  expect(statusOf(error).details[0]).toMatchObject({
    typeUrl: "type.googleapis.com/some.Detail",
    value: Uint8Array.of(1, 2),
  });
});

test("an error that nobody foresaw is hidden within an answer too", () => {
  expect(statusOf(new RangeError("secret"))).toMatchObject({
    code: Code.Internal,
    message: "internal error",
  });
});
