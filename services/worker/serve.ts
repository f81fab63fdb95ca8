import { randomUUID } from "node:crypto";
import { createRegistry } from "@bufbuild/protobuf";
import type { Registry } from "prom-client";
import { onAbort } from "#lib/async/abort.ts";
import type { Broker } from "#lib/broker/broker.ts";
import { openBroker } from "#lib/broker/open-broker.ts";
import { type Endpoint, healthEndpoints } from "#lib/process/health-endpoints.ts";
import type { Log } from "#lib/process/log.ts";
import { metricsEndpoint, metricsRegistry } from "#lib/process/metrics-endpoint.ts";
import { Readiness } from "#lib/process/readiness.ts";
import type { Running } from "#lib/process/run-service.ts";
import { openConnectDoor } from "#lib/rpc/connect-door.ts";
import type { Door } from "#lib/rpc/door.ts";
import type { TaskTypeDefinition } from "#lib/task/task-type.ts";
import { AbandonedHandlers } from "./abandoned-handlers.ts";
import { announcedType } from "./announced-type.ts";
import { checkTaskTypes } from "./check-task-types.ts";
import { ElbowRoom } from "./elbow-room.ts";
import { handlerSettings } from "./handler-settings.ts";
import { HandlerThreads, type ThreadOptions } from "./isolated/handler-threads.ts";
import { loadTaskTypes } from "./load-task-types.ts";
import { stopOvertaken } from "./missed-cancels.ts";
import { presence } from "./presence.ts";
import { RunningAttempts } from "./running-attempts.ts";
import { hearStrays } from "./strays.ts";
import { Worker } from "./worker.ts";
import { addThreadMetrics, WorkerMetrics } from "./worker-metrics.ts";

/**
 * Runs a worker until it is asked to leave and has left. The module, named by its address, exports
 * `taskTypes(settings)`; the threads of isolated task types load it too.
 */
export async function serveTaskTypes(service: Running, module: string): Promise<void> {
  const { settings, log, leaving } = service;
  const types = await loadTaskTypes(module, handlerSettings(settings));
  checkTaskTypes(types);
  const workerId = `worker-${randomUUID()}`;
  const running = new RunningAttempts();
  const readiness = new Readiness(["broker", "queue"]);
  const { registry, metrics, abandoned } = measured(service, running);
  using _strays = hearStrays(endBy(log));
  await using broker = openBroker(settings, "worker", log);
  using _broker = readiness.follow("broker", broker.link);
  using _leaving = onAbort(leaving, () => readiness.red("process", "leaving"));
  const { room, onOutage } = closableRoom(readiness);
  await using threads = openThreads({ module, settings, onOutage, log }, { types, registry });
  const endpoints = [healthEndpoints(readiness), metricsEndpoint(registry, log)];
  await using door = await openWorkerDoor(service, endpoints);
  log.info({ health: door.url, workerId, queues: settings.queues }, "worker is up");

  const left = new AbortController();
  const describe = presence(service, { workerId, types, running, clock: broker.clock });
  const chores = Promise.all([
    broker.taskTypes.announce(types.map(announcedType), left.signal),
    followCancels({ running, broker, log }, left.signal),
    broker.workers.keepAlive(describe, left.signal),
  ]);
  const worker = new Worker({
    ...settings,
    broker,
    workerId,
    types: new Map(types.map((type) => [type.input.typeName, type])),
    running,
    stage: { threads, abandoned, log },
    metrics,
    room,
    readiness,
    log,
  });
  try {
    await Promise.race([worker.run(AbortSignal.any([leaving, left.signal])), broker.link.unfit]);
  } finally {
    readiness.red("process", "leaving");
    left.abort();
    await chores;
  }
}

interface ThreadUsers {
  readonly types: readonly TaskTypeDefinition[];
  readonly registry: Registry;
}

/** The spare thread costs memory, which only isolated types are worth. */
function openThreads(
  options: Omit<ThreadOptions, "keepSpare">,
  { types, registry }: ThreadUsers,
): HandlerThreads {
  const keepSpare = types.some(({ isolated }) => isolated);
  const threads = new HandlerThreads({ ...options, keepSpare });
  addThreadMetrics(registry, threads);
  return threads;
}

/** While no handler thread can be started, tasks are left to other workers, and whoever asks is told. */
function closableRoom(readiness: Readiness) {
  const room = new ElbowRoom();
  const onOutage = (reason: string): Disposable => {
    using taken = new DisposableStack();
    taken.use(room.close());
    readiness.red("threads", reason);
    taken.defer(() => readiness.green("threads"));
    return taken.move();
  };
  return { room, onOutage };
}

function endBy(log: Log): (err: unknown) => never {
  return (err) => {
    log.fatal({ err }, "the worker ends by a bug of its own");
    process.exit(1);
  };
}

/** A worker is asked nothing but how it is. */
function openWorkerDoor({ settings, log }: Running, endpoints: readonly Endpoint[]): Promise<Door> {
  return openConnectDoor({
    ...settings,
    port: settings.workerHttpPort,
    portSetting: settings.givenBy.workerHttpPort,
    services: { routes: () => {}, registry: () => createRegistry() },
    endpoints,
    log,
  });
}

function measured({ settings, log }: Running, running: RunningAttempts) {
  const registry = metricsRegistry();
  const abandoned: AbandonedHandlers = new AbandonedHandlers(log, (taskType) =>
    metrics.handlerAbandoned(taskType),
  );
  const metrics = new WorkerMetrics(registry, {
    concurrency: settings.concurrency,
    running: () => running.count,
    abandoned: () => abandoned.count,
  });
  return { registry, metrics, abandoned };
}

interface Canceling {
  readonly running: RunningAttempts;
  readonly broker: Broker;
  readonly log: Log;
}

function followCancels({ running, broker, log }: Canceling, signal: AbortSignal): Promise<void> {
  const listener = {
    onCancel: running.cancel.bind(running),
    onFollowing() {
      stopOvertaken(running, broker).catch((err) => {
        log.error({ err }, "running attempts could not be checked against the log");
      });
    },
  };
  return broker.cancels.follow(listener, signal);
}
