import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, existsSync, openSync } from "node:fs";
import { connect } from "node:http2";
import { describe, expect } from "vitest";
import { programOf } from "#test/support/programs.ts";
import { testOnSharedSystem } from "#test/support/shared-system.ts";
import { historyOf, isolatedScriptOf, scriptOf, statesOf } from "#test/support/system.ts";
import { until } from "#test/support/until.ts";
import { unusedPort } from "#test/support/unused-port.ts";

const FULL_DISK = "/dev/full";
const GATEWAY = "services/gateway/main.ts";

/** Each is a line in the log; more of them than a pipe holds. */
const CALLS = 3_000;
const CALLS_AT_ONCE = 50;

/** Each with the queue of the worker whose output goes there. */
const QUEUES = {
  "a full disk": "full",
  "a reader that is gone": "gone",
  "a reader that stalls": "stalled",
};
type Sink = keyof typeof QUEUES;

const test = testOnSharedSystem({ MILLRACE_QUEUES: `default,${Object.values(QUEUES)}` });

function start(sink: Sink, main: string, env: Record<string, string> = {}, args: string[] = []) {
  const output = sink === "a full disk" ? openSync(FULL_DISK, "w") : "pipe";
  const child = spawn(process.execPath, [programOf(main), ...args], {
    // Each call is a line.
    env: {
      PATH: process.env["PATH"],
      MILLRACE_LOG_LEVEL: "debug",
      MILLRACE_LOG_FORMAT: "json",
      ...env,
    },
    stdio: ["ignore", output, output],
  });
  if (typeof output === "number") closeSync(output);
  // A stream of ours that nothing listens to reads nothing.
  if (sink === "a reader that is gone") for (const end of child.stdio) end?.destroy();
  return { child, exited: once(child, "exit"), [Symbol.asyncDispose]: () => ended(child) };
}

const sinks: Sink[] = ["a reader that is gone", "a reader that stalls"];
if (existsSync(FULL_DISK)) sinks.push("a full disk");

describe.each(sinks)("a service whose output goes to %s", (sink) => {
  test.for([
    { name: "gateway", main: GATEWAY },
    { name: "worker", main: "services/worker/main.ts" },
    { name: "monitor", main: "services/monitor/main.ts" },
  ])(
    "$name serves all the same, and leaves when it is asked to",
    async ({ main, name }, { system }) => {
      const [http, grpc] = [String(await unusedPort()), String(await unusedPort())];
      await using service = start(sink, main, {
        NATS_SERVERS: system.nats.url,
        MILLRACE_GATEWAY_GRPC_PORT: grpc,
        MILLRACE_MONITOR_GRPC_PORT: grpc,
        [`MILLRACE_${name.toUpperCase()}_HTTP_PORT`]: http,
      });
      const isReady = async () => (await fetch(`http://127.0.0.1:${http}/readyz`)).ok;
      await until(async () => service.child.exitCode !== null || (await isReady()));
      expect(service.child.exitCode).toBe(null);
      // Each of these had grpc-js print a line.
      if (name !== "worker") for (let call = 1; call <= 3; call += 1) await callWithOddHeader(grpc);
      if (sink === "a reader that stalls" && name !== "worker") await callOften(http);
      expect(await isReady()).toBe(true);
      service.child.kill("SIGTERM");
      expect(await service.exited).toEqual([0, null]);
    },
  );

  test("tasks end well whose handlers print, in threads of their own or not", async ({
    system,
    gateway,
  }) => {
    const queue = QUEUES[sink];
    await using _ = start(sink, "test/support/scripted-worker/main.ts", {
      NATS_SERVERS: system.nats.url,
      MILLRACE_WORKER_HTTP_PORT: "0",
      MILLRACE_QUEUES: queue,
    });
    const inputs = { here: scriptOf({ prints: 5 }), isolated: isolatedScriptOf({ prints: 5 }) };
    for (const [how, input] of Object.entries(inputs)) {
      const taskId = `${queue}-${how}`;
      await gateway.client.submitTask({ taskId, spec: { input, queue } });
      const states = statesOf(await historyOf(gateway, taskId));
      expect(states).toEqual(["RUNNING 1", "SUCCEEDED 1"]);
    }
  });
});

describe.each(sinks.filter((sink) => sink !== "a reader that stalls"))(
  "a service that ends, whose output goes to %s",
  (sink) => {
    test.each([
      { why: "is asked for help", env: {}, args: ["--help"], exitCode: 0 },
      { why: "can't go on", env: { MILLRACE_HOST: "192.0.2.1" }, args: [], exitCode: 1 },
      { why: "is set up wrongly", env: { MILLRACE_HOSTX: "1" }, args: [], exitCode: 2 },
    ])("it says so by its exit code $exitCode when it $why", async (given) => {
      await using service = start(sink, GATEWAY, given.env, given.args);
      expect(await service.exited).toEqual([given.exitCode, null]);
    });
  },
);

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill("SIGKILL");
  await once(child, "exit");
}

async function callOften(port: string): Promise<void> {
  const url = `http://127.0.0.1:${port}/grpc.health.v1.Health/Check`;
  const call = { method: "POST", headers: { "content-type": "application/json" }, body: "{}" };
  for (let calls = 0; calls < CALLS; calls += CALLS_AT_ONCE) {
    const some = Array.from({ length: CALLS_AT_ONCE }, () => fetch(url, call));
    for (const answer of await Promise.all(some))
      expect(await answer.json()).toEqual({ status: "SERVING" });
  }
}

async function callWithOddHeader(port: string): Promise<void> {
  const session = connect(`http://127.0.0.1:${port}`);
  const call = session.request({
    ":method": "POST",
    ":path": "/grpc.health.v1.Health/Check",
    "content-type": "application/grpc",
    te: "trailers",
    "x-name": "caf\u00e9",
  });
  call.end(Buffer.alloc(5));
  const [trailers] = await once(call.resume(), "trailers");
  expect(trailers["grpc-status"]).toBe("0");
  session.close();
}
