import { spawnSync } from "node:child_process";
import { chmod, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { historyOf, isolatedScriptOf, outputOf, System } from "#test/support/system.ts";

let home: string;

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), "millrace-home-"));
});
afterEach(() => rm(home, { recursive: true }));

function help(env: NodeJS.ProcessEnv) {
  const args = ["cli/main.mjs", "--help"];
  return spawnSync(process.execPath, args, {
    env: { PATH: process.env["PATH"], ...env },
    timeout: 20_000,
  });
}

test("what a command has compiled is kept in the user's cache for the next one", async () => {
  expect(help({ HOME: home }).status).toBe(0);
  expect(await readdir(join(home, ".cache/millrace/compiled"))).toHaveLength(1);
  expect(help({ HOME: "/nowhere", XDG_CACHE_HOME: join(home, "caches") }).status).toBe(0);
  expect(await readdir(join(home, "caches/millrace/compiled"))).toHaveLength(1);
});

test("an isolated handler's thread uses what its worker's process keeps", async () => {
  await using system = await System.start();
  const { gateway } = await system.running({ HOME: home });
  const spec = { input: isolatedScriptOf({ tellCompiled: true }) };
  const taskId = (await gateway.client.submitTask({ spec })).task?.id ?? "";
  await historyOf(gateway, taskId);
  const { task } = await gateway.client.getTask({ taskId });
  expect(dirname(outputOf(task) ?? "")).toBe(join(home, ".cache/millrace/compiled"));
});

test("a home that is not there is not made", async () => {
  expect(help({ HOME: join(home, "gone") }).status).toBe(0);
  expect(await readdir(home)).toEqual([]);
});

test("a command runs without a place to keep it", async () => {
  await chmod(home, 0o500);
  for (const HOME of [home, "/dev/null", "/proc", "", "relative"]) {
    const { status, stderr } = help({ HOME });
    expect({ HOME, status, stderr: String(stderr) }).toEqual({ HOME, status: 0, stderr: "" });
  }
});
