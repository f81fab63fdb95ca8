import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { open } from "node:fs/promises";
import { expect, test } from "vitest";
import { System, scriptOf } from "#test/support/system.ts";
import { cliEnv, MAIN, startCli } from "./cli-process.ts";

const FULL_DISK = "/dev/full";

test("a program whose reader has hung up ends without a word, with the exit code of a broken pipe", async () => {
  const cli = startCli(["--help"]);
  cli.hangUp();
  expect(await cli.ended).toEqual({ code: 141, stdout: "", stderr: "" });
});

test("a watch whose reader hangs up ends at the next event, and its task goes on", async () => {
  await using system = await System.start();
  const { gateway, worker } = await system.running();
  await worker[Symbol.asyncDispose]();
  const spec = { input: scriptOf({}) };
  await gateway.client.submitTask({ taskId: "t", spec });
  const cli = startCli(["--server", gateway.address, "watch", "t", "--json"]);
  await cli.until("stdout", '"spec"');
  cli.hangUp();
  await system.worker();
  const { code, stderr } = await cli.ended;
  expect({ code, stderr }).toEqual({ code: 141, stderr: expect.not.stringContaining("Error") });
});

test.runIf(existsSync(FULL_DISK))("output that does not fit on the disk is told", async () => {
  await using full = await open(FULL_DISK, "w");
  const { status, stderr } = spawnSync(process.execPath, [MAIN, "--help"], {
    env: cliEnv({}),
    stdio: ["ignore", full.fd, "pipe"],
    encoding: "utf8",
  });
  expect({ status, stderr }).toEqual({
    status: 1,
    stderr: expect.stringMatching(/^error: can't write the output: ENOSPC: no space left.*\n$/),
  });
});
