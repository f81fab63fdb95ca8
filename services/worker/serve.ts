import { randomUUID } from "node:crypto";
import { createRegistry } from "@bufbuild/protobuf";
import { openBroker } from "#lib/broker/open-broker.ts";
import { healthEndpoints } from "#lib/process/health-endpoints.ts";
import { Readiness } from "#lib/process/readiness.ts";
import type { Running } from "#lib/process/run-service.ts";
import { openConnectDoor } from "#lib/rpc/connect-door.ts";
import type { TaskTypeDefinition } from "#lib/task/task-type.ts";
import { announcedType } from "./announced-type.ts";
import { presence } from "./presence.ts";
import { RunningAttempts } from "./running-attempts.ts";
import { Worker } from "./worker.ts";

/** Runs a worker for the task types, until it is asked to leave and has left. */
export async function serveTaskTypes(
  { settings, log, leaving }: Running,
  types: readonly TaskTypeDefinition[],
): Promise<void> {
  const workerId = `worker-${randomUUID()}`;
  const attempts = new RunningAttempts();
  const readiness = new Readiness(["broker", "queue"]);

  await using broker = openBroker(settings, "worker", log);
  using _ = readiness.follow("broker", broker.link);
  await using door = await openConnectDoor({
    ...settings,
    port: settings.workerHttpPort,
    // A worker is asked nothing but how it is.
    services: { routes: () => {}, registry: () => createRegistry() },
    endpoints: [healthEndpoints(readiness)],
    log,
  });
  log.info({ health: door.url, workerId, queues: settings.queues }, "worker is up");

  const left = new AbortController();
  const describe = presence({ workerId, types, running: attempts, leaving, settings });
  const chores = Promise.all([
    broker.taskTypes.announce(types.map(announcedType), left.signal),
    broker.cancels.follow(({ taskId, newest }) => attempts.cancel(taskId, newest), left.signal),
    broker.workers.keepAlive(describe, left.signal),
  ]);
  const worker = new Worker({
    ...settings,
    broker,
    workerId,
    types: new Map(types.map((type) => [type.input.typeName, type])),
    running: attempts,
    readiness,
    log,
  });
  try {
    const ended = AbortSignal.any([leaving, left.signal]);
    await Promise.race([worker.run(ended), broker.link.unfit]);
  } finally {
    readiness.red("process", "leaving");
    left.abort();
    await chores;
  }
}
