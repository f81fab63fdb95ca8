import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { ON_IPV6_ONLY, whyNot } from "#test/support/environments.ts";
import { CliProcess, cliEnv, MAIN } from "../e2e/cli/cli-process.ts";

/** Runs beside the system, for no other can reach it: what a caller does by gRPC and by Connect, and the page. */
const CALLER = `
  set -e
  "$0" "$1" --server "[::1]:50051" submit web.summarize url=http://[::1]:1/ --json
  for url in 8080/readyz 8081/readyz 8081/; do curl -gsSf -o /dev/null "http://[::1]:$url"; done
  curl -gsSf http://[::1]:8080/millrace.v1.TaskService/ListTaskTypes -d {} -H "content-type: application/json"`;

test("a whole system works where there is no IPv4", async ({ skip }) => {
  const reason = whyNot(ON_IPV6_ONLY);
  skip(reason !== undefined, reason);
  const dataDir = await mkdtemp(join(tmpdir(), "millrace-ipv6-"));
  onTestFinished(() => rm(dataDir, { recursive: true, force: true }));
  const [command = "", ...args] = [...ON_IPV6_ONLY, process.execPath, MAIN, "up", "--json"];
  const env = cliEnv({ MILLRACE_HOST: "::1" });
  await using up = new CliProcess(spawn(command, [...args, "--data-dir", dataDir], { env }));
  await up.until("stdout", "\n");
  expect(JSON.parse(up.printed.stdout)).toMatchObject({
    gatewayGrpc: "[::1]:50051",
    nats: "nats://[::1]:4222",
  });
  const beside = ["--target", String(up.pid), "--user", "--net", "--preserve-credentials"];
  const caller = ["/bin/sh", "-c", CALLER, process.execPath, MAIN];
  await using called = new CliProcess(spawn("nsenter", [...beside, ...caller], { env }));
  const { code, stdout, stderr } = await called.ended;
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  expect(stdout).toContain("web.summarize");
  up.kill("SIGINT");
  expect(await up.ended).toMatchObject({ code: 0 });
});
