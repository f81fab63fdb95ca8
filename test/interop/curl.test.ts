import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { expect } from "vitest";
import { testOnSharedSystem } from "#test/support/shared-system.ts";

const test = testOnSharedSystem();
const run = promisify(execFile);

const SCRIPT = {
  spec: {
    input: { "@type": "type.googleapis.com/google.protobuf.Struct", value: { steps: 1 } },
  },
};

async function curl(url: string, body: unknown) {
  const args = ["-sS", "-w", "\n%{http_code}", "-H", "content-type: application/json"];
  const { stdout } = await run("curl", [...args, "-d", JSON.stringify(body), url]);
  const [answer = "", status] = stdout.split(/\n(?=\d+$)/);
  return { status: Number(status), answer: JSON.parse(answer) };
}

test("curl submits a task in JSON, reads it, and is told in JSON what is wrong", async ({
  gateway,
}) => {
  const method = (name: string) => `${gateway.url}/millrace.v1.TaskService/${name}`;

  const submitted = await curl(method("SubmitTask"), SCRIPT);
  expect(submitted).toMatchObject({ status: 200, answer: { task: { spec: SCRIPT.spec } } });
  const read = await curl(method("GetTask"), { taskId: submitted.answer.task.id });
  expect(read.answer.task.spec.input).toEqual(SCRIPT.spec.input);

  const unknown = await curl(method("GetTask"), { taskId: "nobody" });
  expect(unknown).toMatchObject({ status: 404, answer: { code: "not_found" } });
  const invalid = await curl(method("SubmitTask"), { spec: {} });
  expect(invalid).toMatchObject({ status: 400, answer: { code: "invalid_argument" } });
  expect(invalid.answer.message).toContain("spec.input");
});

test("curl is told of a field that does not exist", async ({ gateway }) => {
  const misspelled = await curl(`${gateway.url}/millrace.v1.TaskService/GetTask`, { taskID: "x" });
  expect(misspelled).toMatchObject({ status: 400, answer: { code: "invalid_argument" } });
  expect(misspelled.answer.message).toContain("taskID");
});
