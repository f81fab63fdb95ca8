import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Gateway, historyOf, System, scriptOf, typesKnown } from "#test/support/system.ts";
import { ROOT } from "./cli/cli-process.ts";

const run = promisify(execFile);

/** Somebody's own project, far from the checkout. */
let project: string;

beforeAll(async () => {
  project = await mkdtemp(join(tmpdir(), "millrace-readme-"));
  await writeFile(join(project, "package.json"), JSON.stringify({ private: true, type: "module" }));
  const install = (await blocks("sh")).find((block) => block.startsWith("npm install")) ?? "";
  const command = `${install.trim()} --prefer-offline --no-audit --no-fund --loglevel=error`;
  await inProject(command.replace("path/to/millrace", ROOT));
});
afterAll(() => rm(project, { recursive: true, force: true }));

function inProject(command: string) {
  return run("sh", ["-c", command], { cwd: project });
}

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
  await writeFile(join(project, "example.ts"), code);
  return (await run(process.execPath, ["example.ts"], { cwd: project })).stdout;
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

test("no page has people run whatever is called millrace on npm", async () => {
  const { stdout } = await run("git", ["ls-files", "*.md"], { cwd: ROOT });
  for (const page of stdout.trim().split("\n")) {
    const commands = (await readFile(join(ROOT, page), "utf8")).match(/npx .*millrace/g) ?? [];
    for (const command of commands) expect(command, page).toContain("npx --no-install millrace");
  }
});

test("the README's curl command submits a task", async () => {
  await using system = await System.start();
  const gateway = await system.gateway();
  await system.worker({}, "services/worker/main.ts");
  await typesKnown(gateway);
  const command = (await blocks("sh")).find((block) => block.startsWith("curl"));
  const { stdout } = await inProject(at(gateway, command ?? ""));
  expect(JSON.parse(stdout).task.state).toBe("TASK_STATE_QUEUED");
});
