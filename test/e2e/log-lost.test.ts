import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { open } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import { startTestNats } from "#test/support/nats.ts";
import { until } from "#test/support/until.ts";
import { unusedPort } from "#test/support/unused-port.ts";

const FULL_DISK = "/dev/full";

describe.runIf(existsSync(FULL_DISK))("a service whose log goes to a full disk", () => {
  test.each([
    { name: "gateway", main: "services/gateway/main.ts" },
    { name: "worker", main: "services/worker/main.ts" },
    { name: "monitor", main: "services/monitor/main.ts" },
  ])("$name serves all the same, and leaves when it is asked to", async ({ main, name }) => {
    await using nats = await startTestNats();
    await using full = await open(FULL_DISK, "w");
    const port = String(await unusedPort());
    const env = {
      PATH: process.env["PATH"],
      NATS_SERVERS: nats.url,
      MILLRACE_GATEWAY_GRPC_PORT: "0",
      MILLRACE_MONITOR_GRPC_PORT: "0",
      [`MILLRACE_${name.toUpperCase()}_HTTP_PORT`]: port,
      // Each call is a line that can't be written.
      MILLRACE_LOG_LEVEL: "debug",
      MILLRACE_LOG_FORMAT: "json",
    };
    const child = spawn(process.execPath, [main], { env, stdio: ["ignore", full.fd, "inherit"] });
    const exited = once(child, "exit");
    try {
      const url = `http://127.0.0.1:${port}`;
      await until(async () => child.exitCode !== null || (await fetch(`${url}/readyz`)).ok);
      expect(child.exitCode).toBe(null);
      const health = {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: "{}",
      };
      const answer = await fetch(`${url}/grpc.health.v1.Health/Check`, health);
      expect(answer.status).toBe(name === "worker" ? 404 : 200);
      child.kill("SIGTERM");
      expect(await exited).toEqual([0, null]);
    } finally {
      child.kill("SIGKILL");
      await exited;
    }
  });

  test("a service that can't start ends, though it can't say why", async () => {
    await using full = await open(FULL_DISK, "w");
    const env = {
      PATH: process.env["PATH"],
      MILLRACE_HOST: "192.0.2.1",
      MILLRACE_LOG_FORMAT: "json",
    };
    const child = spawn(process.execPath, ["services/gateway/main.ts"], {
      env,
      stdio: ["ignore", full.fd, "inherit"],
    });
    expect(await once(child, "exit")).toEqual([1, null]);
  });
});
