import { setTimeout } from "node:timers/promises";
import { createRegistry } from "@bufbuild/protobuf";
import { durationFromMs, StructSchema } from "@bufbuild/protobuf/wkt";
import { createClient, type Transport } from "@connectrpc/connect";
import { createConnectTransport, createGrpcWebTransport } from "@connectrpc/connect-node";
import { expect, test } from "vitest";
import { TaskState } from "#gen/millrace/v1/task_pb.ts";
import { TaskService } from "#gen/millrace/v1/task_service_pb.ts";
import { type Seen, watchPatiently } from "#test/support/patient-watch.ts";
import { PROXIES, RunningProxy } from "#test/support/proxies.ts";
import { System, scriptOf, stateOf } from "#test/support/system.ts";
import { until } from "#test/support/until.ts";
import { unusedPort } from "#test/support/unused-port.ts";
import { grpcJsTransport } from "../integration/rpc/grpc-js-transport.ts";

/** Longer than the proxies wait in silence: nginx 60 s, HAProxy as it is set up 50 s. */
const SILENCE_MS = 75_000;

const IN_AN_HOUR = { case: "delay", value: durationFromMs(3_600_000) } as const;

function transportsThrough({ http, http2 }: RunningProxy): Readonly<Record<string, Transport>> {
  const options = { baseUrl: `http://127.0.0.1:${http}`, httpVersion: "1.1" } as const;
  const jsonOptions = { registry: createRegistry(StructSchema) };
  return {
    Connect: createConnectTransport({ ...options, useBinaryFormat: false, jsonOptions }),
    "binary Connect": createConnectTransport({ ...options, useBinaryFormat: true }),
    "gRPC-Web": createGrpcWebTransport(options),
    gRPC: grpcJsTransport(http2),
  };
}

/** A watch through the proxy by every protocol, each of which goes on where it broke. */
function watchesThrough(proxy: RunningProxy, taskId: string) {
  return Object.entries(transportsThrough(proxy)).map(([protocol, transport]) => {
    const caller = { client: createClient(TaskService, transport) };
    const seen: Seen = { events: [], resumed: 0 };
    const withinMs = 4 * SILENCE_MS;
    return { protocol, seen, ended: watchPatiently(() => [caller], taskId, seen, { withinMs }) };
  });
}

async function silenceAndRestart(name: string): Promise<void> {
  const ports = { connect: await unusedPort(), grpc: await unusedPort() };
  await using system = await System.start({
    MILLRACE_GATEWAY_HTTP_PORT: String(ports.connect),
    MILLRACE_GATEWAY_GRPC_PORT: String(ports.grpc),
  });
  const { gateway } = await system.running();
  await using proxy = await RunningProxy.start(name, ports);
  const spec = { input: scriptOf({ steps: 1 }), start: IN_AN_HOUR };
  const { task } = await gateway.client.submitTask({ spec });
  const taskId = task?.id ?? "";
  const watches = watchesThrough(proxy, taskId);
  await until(() => watches.every(({ seen }) => seen.events.length > 0));

  await setTimeout(SILENCE_MS);
  for (const { protocol, seen } of watches) expect(seen.resumed, protocol).toBe(0);

  gateway.service.kill("SIGTERM");
  expect(await gateway.service.exited).toBe(0);
  const { client } = await system.gateway();
  await client.cancelTask({ taskId });
  for (const { protocol, seen, ended } of watches) {
    await ended;
    expect(seen.resumed, protocol).toBeGreaterThan(0);
    expect(seen.events.map(stateOf), protocol).toEqual([undefined, TaskState.CANCELED]);
  }
}

for (const { name, installed } of PROXIES) {
  const run = installed ? test.concurrent : test.skip;
  const reason = installed ? "" : " (not installed here)";
  run(
    `watches through ${name} outlive a long silence and a restart, with nothing twice${reason}`,
    () => silenceAndRestart(name),
  );
}
