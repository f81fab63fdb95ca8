import { create, fromJsonString } from "@bufbuild/protobuf";
import { type Any, AnySchema, anyPack, StructSchema, ValueSchema } from "@bufbuild/protobuf/wkt";
import { Code } from "@connectrpc/connect";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  StateChangeSchema,
  TaskErrorSchema,
  TaskSpecSchema,
  TaskState,
} from "#gen/millrace/v1/task_pb.ts";
import { openTestBroker } from "#test/support/broker.ts";
import { describedViolationsOf, errorOf } from "#test/support/errors.ts";
import { enveloped } from "#test/support/raw-http.ts";
import { type Gateway, System, scriptOf } from "#test/support/system.ts";
import { runCli } from "./cli/cli-process.ts";

/** {"bad": NaN}, or whatever number. */
function structWith(bad: number): Any {
  const value = create(ValueSchema, { kind: { case: "numberValue", value: bad } });
  return anyPack(StructSchema, create(StructSchema, { fields: { bad: value } }));
}

/** Lists in lists, as a Value. */
function nested(levels: number): Any {
  const lists = `${"[".repeat(levels)}true${"]".repeat(levels)}`;
  return anyPack(ValueSchema, fromJsonString(ValueSchema, lists));
}

describe("what protobuf can say and JSON can't", () => {
  let system: System;
  let gateway: Gateway;
  beforeAll(async () => {
    system = await System.start();
    ({ gateway } = await system.running());
  });
  afterAll(() => system[Symbol.asyncDispose]());

  const post = async (method: string, body: string) => {
    const headers = { "content-type": "application/json" };
    const url = `${gateway.url}/millrace.v1.TaskService/${method}`;
    const response = await fetch(url, { method: "POST", headers, body });
    return { status: response.status, answer: JSON.parse(await response.text()) };
  };

  test.each([
    ["NaN", structWith(NaN), 'spec.input.fields["bad"]: can\'t be told as JSON'],
    ["Infinity", structWith(-Infinity), 'spec.input.fields["bad"]: can\'t be told as JSON'],
    [
      "a value of no kind",
      anyPack(ValueSchema, create(ValueSchema)),
      "spec.input: can't be told as JSON",
    ],
    ["too many levels", nested(46), "spec.input.value: is not a google.protobuf.Value"],
  ])("%s in an input is refused when it is submitted", async (_, input, violation) => {
    const error = await errorOf(gateway.client.submitTask({ spec: { input } }));
    expect(error.code).toBe(Code.InvalidArgument);
    expect(describedViolationsOf(error)).toEqual([expect.stringContaining(violation)]);
  });

  test("as many levels as are taken can be read again as JSON", async () => {
    const taskId = "deep";
    await gateway.client.submitTask({ taskId, spec: { input: nested(44) } });
    expect((await post("GetTask", JSON.stringify({ taskId }))).status).toBe(200);
  });

  test("a number in JSON that is beyond all numbers is refused, and nothing runs", async () => {
    const input = '{"@type":"type.googleapis.com/google.protobuf.Struct","value":{"idleMs":1e400}}';
    const { status, answer } = await post(
      "SubmitTask",
      `{"taskId":"huge","spec":{"input":${input}}}`,
    );
    expect({ status, ...answer }).toMatchObject({
      status: 400,
      code: "invalid_argument",
      message: expect.stringContaining('spec.input.fields["idleMs"]'),
    });
    const unknown = await errorOf(gateway.client.getTask({ taskId: "huge" }));
    expect(unknown.code).toBe(Code.NotFound);
  });

  test("what the log has of it all the same is left out, and takes no answer and no page with it", async () => {
    await using broker = await openTestBroker(system.nats.url);
    const unknown = create(AnySchema, { typeUrl: "type.googleapis.com/not.Announced" });
    const broken = create(AnySchema, { ...scriptOf({}), value: Uint8Array.of(255) });
    const inputs = { good: scriptOf({}), nan: structWith(NaN), unknown, broken };
    for (const [taskId, input] of Object.entries(inputs)) {
      const fence = await broker.log.begin(
        taskId,
        create(TaskSpecSchema, { input, queue: "default" }),
      );
      if (!fence) throw new Error("not begun");
      const error = create(TaskErrorSchema, { code: "BAD", message: "half \uD800" });
      const { FAILED: state } = TaskState;
      await broker.log.append(fence, create(StateChangeSchema, { state, error, output: input }));
    }

    const page = await post("ListDeadLetters", "{}");
    expect(page.status).toBe(200);
    expect(
      page.answer.tasks.map(({ id, spec }: { id: string; spec: object }) => [id, spec]),
    ).toEqual([
      ["good", { queue: "default", input: expect.anything() }],
      ["nan", { queue: "default" }],
      ["unknown", { queue: "default" }],
      ["broken", { queue: "default" }],
    ]);
    for (const taskId of Object.keys(inputs)) {
      const read = await post("GetTask", JSON.stringify({ taskId }));
      expect(read).toMatchObject({ status: 200, answer: { task: { state: "TASK_STATE_FAILED" } } });
      const watched = await fetch(`${gateway.url}/millrace.v1.TaskService/WatchTask`, {
        method: "POST",
        headers: { "content-type": "application/connect+json" },
        body: Uint8Array.from(enveloped(Buffer.from(JSON.stringify({ taskId })))),
      });
      const text = await watched.text();
      expect(text).toContain("TASK_STATE_FAILED");
      expect(text).not.toContain('"error":{"code":"internal"');
    }
    const cli = (...args: string[]) => runCli(["--server", gateway.address, ...args]);
    const letters = await cli("--json", "dead-letters");
    expect([letters.code, letters.stdout.trim().split("\n").length]).toEqual([0, 4]);
    expect((await cli("--json", "get", "nan")).code).toBe(0);
    expect((await cli("get", "nan")).stdout).toContain("can't be shown: google.protobuf.Value");
  });
});
