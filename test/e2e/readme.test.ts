import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect } from "vitest";
import { testOnSharedSystem } from "#test/support/shared-system.ts";
import { type Gateway, historyOf, scriptOf, typesKnown } from "#test/support/system.ts";
import { ROOT } from "./cli/cli-process.ts";

const run = promisify(execFile);

/** A gateway, and the worker whose task type the README's tasks are of. */
const test = testOnSharedSystem({ MILLRACE_QUEUES: "default,scripted" }).extend(
  "readmes",
  { scope: "file" },
  async ({ system }) => {
    const pages = { MILLRACE_QUEUES: "default" };
    const worker = system.worker(pages, "services/worker/main.ts");
    const [gateway] = await Promise.all([system.gateway(), worker]);
    await typesKnown(gateway);
    return gateway;
  },
);

/** An install with nothing kept from an earlier one waits for the registry, beside all other tests. */
const INSTALL_MS = 240_000;

/** Somebody's own project, far from the checkout. */
let project: string;

beforeAll(async () => {
  project = await mkdtemp(join(tmpdir(), "millrace-readme-"));
  await writeFile(join(project, "package.json"), JSON.stringify({ private: true, type: "module" }));
  const install = (await blocks("sh")).find((block) => block.startsWith("npm install")) ?? "";
  const command = `${install.trim()} --prefer-offline --no-audit --no-fund --loglevel=error`;
  await inProject(command.replace("path/to/millrace", ROOT));
}, INSTALL_MS);
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

test("the README's backend example submits a task, and again the same one", async ({
  readmes: gateway,
}) => {
  const [backend = ""] = await blocks("ts");
  const id = await runCode(at(gateway, backend));
  expect(id.trim()).toMatch(/^[0-9a-f-]{36}$/);
  expect(await runCode(at(gateway, backend))).toBe(id);
});

test("the README's browser example watches a task to its end", async ({
  system,
  readmes: gateway,
}) => {
  const queue = "scripted";
  await using _worker = await system.worker({ MILLRACE_QUEUES: queue });
  await typesKnown(gateway, 3);
  const spec = { input: scriptOf({ steps: 1 }), queue };
  const { task } = await gateway.client.submitTask({ spec });
  await historyOf(gateway, task?.id ?? "");
  const [, browser = ""] = await blocks("ts");
  const printed = await runCode(`const taskId = "${task?.id}";\n${at(gateway, browser)}`);
  expect(printed).toMatch(/^\d+n spec /);
  expect(printed).toContain("output");
});

test("no page has people run whatever is called millrace on npm", async () => {
  const { stdout } = await run("git", ["ls-files", "*.md"], { cwd: ROOT });
  for (const page of stdout.trim().split("\n")) {
    const commands = (await readFile(join(ROOT, page), "utf8")).match(/npx .*millrace/g) ?? [];
    for (const command of commands) expect(command, page).toContain("npx --no-install millrace");
  }
});

test("the README's curl command submits a task", async ({ readmes: gateway }) => {
  const command = (await blocks("sh")).find((block) => block.startsWith("curl"));
  const { stdout } = await inProject(at(gateway, command ?? ""));
  expect(JSON.parse(stdout).task.state).toBe("TASK_STATE_QUEUED");
});
