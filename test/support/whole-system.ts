import type { Any } from "@bufbuild/protobuf/wkt";
import { createClient } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-node";
import { expect } from "vitest";
import type { TaskEvent } from "#gen/millrace/v1/task_pb.ts";
import { TaskService } from "#gen/millrace/v1/task_service_pb.ts";
import type { Service } from "./service.ts";
import {
  type Gateway,
  historyOf,
  isolatedScriptOf,
  type System,
  scriptOf,
  statesOf,
  typesKnown,
} from "./system.ts";

type Caller = Pick<Gateway, "client">;

const ERROR_LEVEL = 50;

/**
 * Starts all that a system has and sees it work: tasks by gRPC and by Connect, in the worker's own thread and in another,
 * each followed to its end; the monitor's page; and a stop when it is asked for.
 */
export async function expectToWork(system: System): Promise<void> {
  const started = [system.gateway(), system.worker(), system.monitor()] as const;
  const [gateway, worker, monitor] = await Promise.all(started);
  await typesKnown(gateway, 2);
  const events = [
    ...(await submitAndWatch(gateway, scriptOf({ steps: 2 }))),
    ...(await submitAndWatch(connectTo(gateway), isolatedScriptOf({ steps: 2 }))),
  ];
  expect(statesOf(events)).toEqual(["RUNNING 1", "SUCCEEDED 1", "RUNNING 1", "SUCCEEDED 1"]);
  const page = await fetch(monitor.url);
  expect({ ok: page.ok, html: await page.text() }).toMatchObject({
    ok: true,
    html: expect.stringContaining("<html"),
  });
  await expectToStop([gateway.service, worker.service, monitor.service]);
}

async function submitAndWatch(caller: Caller, input: Any): Promise<TaskEvent[]> {
  const { task } = await caller.client.submitTask({ spec: { input } });
  return historyOf(caller, task?.id ?? "");
}

/** The same by Connect over HTTP/1.1. */
function connectTo({ url }: Gateway): Caller {
  const transport = createConnectTransport({ baseUrl: url, httpVersion: "1.1" });
  return { client: createClient(TaskService, transport) };
}

/** With 0, and nothing to complain of until then. */
async function expectToStop(services: readonly Service[]): Promise<void> {
  for (const service of services) service.kill("SIGTERM");
  for (const service of services) {
    const exitCode = await service.exited;
    const errors = service.entries.filter(({ level }) => Number(level) >= ERROR_LEVEL);
    expect({ exitCode, errors, stderr: service.stderr }).toEqual({
      exitCode: 0,
      errors: [],
      stderr: "",
    });
  }
}
