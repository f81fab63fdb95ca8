import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { type Gateway, historyOf, System, scriptOf, typesKnown } from "#test/support/system.ts";

const run = promisify(execFile);

/** The code blocks of the README in a language, in their order. */
async function blocks(language: string): Promise<string[]> {
  const readme = await readFile("README.md", "utf8");
  return [...readme.matchAll(new RegExp(`\`\`\`${language}\n(.*?)\`\`\``, "gs"))].map(
    ([, code = ""]) => code,
  );
}

function at(gateway: Gateway, code: string): string {
  return code
    .replaceAll("http://localhost:50051", `http://${gateway.address}`)
    .replaceAll("http://localhost:8080", gateway.url)
    .replaceAll("localhost:8080", new URL(gateway.url).host);
}

async function runCode(code: string): Promise<string> {
  const { stdout } = await run(process.execPath, ["--input-type=module-typescript", "-e", code]);
  return stdout;
}

test("the README's backend example submits a task, and again the same one", async () => {
  await using system = await System.start();
  const gateway = await system.gateway();
  await system.worker({}, "services/worker/main.ts");
  await typesKnown(gateway);
  const [backend = ""] = await blocks("ts");
  const id = await runCode(at(gateway, backend));
  expect(id.trim()).toMatch(/^[0-9a-f-]{36}$/);
  expect(await runCode(at(gateway, backend))).toBe(id);
});

test("the README's browser example watches a task to its end", async () => {
  await using system = await System.start();
  const { gateway } = await system.running();
  const { task } = await gateway.client.submitTask({ spec: { input: scriptOf({ steps: 1 }) } });
  await historyOf(gateway, task?.id ?? "");
  const [, browser = ""] = await blocks("ts");
  const printed = await runCode(`const taskId = "${task?.id}";\n${at(gateway, browser)}`);
  expect(printed).toContain("1n spec");
  expect(printed).toContain("output");
});

test("the README's curl command submits a task", async () => {
  await using system = await System.start();
  const gateway = await system.gateway();
  await system.worker({}, "services/worker/main.ts");
  await typesKnown(gateway);
  const command = (await blocks("sh")).find((block) => block.startsWith("curl"));
  const { stdout } = await run("sh", ["-c", at(gateway, command ?? "")]);
  expect(JSON.parse(stdout).task.state).toBe("TASK_STATE_QUEUED");
});
