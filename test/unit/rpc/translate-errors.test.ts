import { Code, ConnectError } from "@connectrpc/connect";
import { expect, test } from "vitest";
import { ErrorInfoSchema } from "#gen/google/rpc/error_details_pb.ts";
import { toConnectError } from "#lib/rpc/translate-errors.ts";
import { TaskNotFound } from "#lib/task/errors.ts";

test("a ConnectError stays as it is, but for an ErrorInfo where it has none", () => {
  const error = new ConnectError("not so", Code.OutOfRange);
  expect(toConnectError(error)).toBe(error);
  expect(toConnectError(error).findDetails(ErrorInfoSchema)).toMatchObject([
    { reason: "OUT_OF_RANGE", domain: "millrace" },
  ]);
});

test("an AbortError is CANCELED, whoever caused it", () => {
  const error = toConnectError(new DOMException("aborted", "AbortError"));
  expect(error.code).toBe(Code.Canceled);
});

test("what nobody foresaw is hidden, and kept as the cause", () => {
  const secret = new RangeError("secret");
  const error = toConnectError(secret);
  expect([error.code, error.rawMessage]).toEqual([Code.Internal, "internal error"]);
  expect(error.cause).toBe(secret);
  expect(toConnectError("a thrown text").code).toBe(Code.Internal);
});

test("a text that headers can't carry is made one that they can", () => {
  const error = toConnectError(new TaskNotFound(`\uD800${"x".repeat(5000)}`));
  expect(error.rawMessage.isWellFormed()).toBe(true);
  expect(error.rawMessage).toMatch(/x…$/);
  expect(Buffer.byteLength(error.rawMessage)).toBe(900);
});

test("an input in JSON of a type that nobody has announced is told as over gRPC", () => {
  const text =
    "cannot decode message google.protobuf.Any from JSON: x/a.B is not in the type registry";
  const error = toConnectError(new ConnectError(text, Code.InvalidArgument));
  expect(error.code).toBe(Code.FailedPrecondition);
  expect(error.rawMessage).toBe("no worker has announced the task type a.B");
  expect(error.findDetails(ErrorInfoSchema)).toMatchObject([
    { reason: "TASK_TYPE_UNKNOWN", metadata: { task_type: "a.B" } },
  ]);
});
