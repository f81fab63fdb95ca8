import { describe, expect, test } from "vitest";
import { CAN_BE_PROCESS_ONE, ProcessOne } from "#test/support/process-one.ts";

/** Says when Node begins to load the modules of the program, which takes most of its start. */
const TELL_LOADING = `data:text/javascript,${encodeURIComponent(`
  import { registerHooks } from "node:module";
  registerHooks({
    load(url, context, next) {
      if (url.endsWith("/startup-error.ts")) process.stderr.write("loading\\n");
      return next(url, context);
    },
  });
`)}`;

const NOBODY = { NATS_SERVERS: "nats://127.0.0.1:9", MILLRACE_LOG_FORMAT: "json" };
const FREE_PORTS = {
  MILLRACE_GATEWAY_GRPC_PORT: "0",
  MILLRACE_GATEWAY_HTTP_PORT: "0",
  MILLRACE_MONITOR_GRPC_PORT: "0",
  MILLRACE_MONITOR_HTTP_PORT: "0",
  MILLRACE_WORKER_HTTP_PORT: "0",
};

// Skipped where the machine permits no namespaces: nothing else makes a process 1.
describe.runIf(CAN_BE_PROCESS_ONE)("a program that is its container's first process", () => {
  test.each([
    { args: ["services/gateway/main.mjs"], exitCode: 0 },
    { args: ["services/gateway/main.ts"], exitCode: 0 },
    { args: ["cli/main.mjs", "types"], exitCode: 143 },
  ])("$args that is asked to stop while it loads does not overhear that", async (given) => {
    const args = ["--import", TELL_LOADING, ...given.args];
    await using program = new ProcessOne(args, { ...NOBODY, ...FREE_PORTS });
    await program.until("loading");
    await program.kill("SIGTERM");
    expect(await program.exited).toBe(given.exitCode);
  });

  test("a service ends at once when it is asked a second time", async () => {
    await using gateway = new ProcessOne(["services/gateway/main.mjs"], {
      ...NOBODY,
      ...FREE_PORTS,
      MILLRACE_DRAIN_MS: "600000",
    });
    await gateway.until("gateway is up");
    await gateway.kill("SIGTERM");
    await gateway.until("asked to stop");
    await gateway.kill("SIGTERM");
    expect(await gateway.exited).toBe(143);
  });
});
