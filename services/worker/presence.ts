import { hostname } from "node:os";
import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { type Worker, WorkerSchema } from "#gen/millrace/v1/worker_pb.ts";
import type { BrokersClock } from "#lib/broker/link/brokers-clock.ts";
import type { Running } from "#lib/process/run-service.ts";
import { VERSION } from "#lib/process/version.ts";
import type { TaskTypeDefinition } from "#lib/task/task-type.ts";
import type { RunningAttempts } from "./running-attempts.ts";

export interface PresenceOptions {
  readonly workerId: string;
  readonly types: readonly TaskTypeDefinition[];
  readonly running: RunningAttempts;
  readonly clock: BrokersClock;
}

/** How the worker describes itself, as it is at the moment. */
export function presence(
  { settings, leaving }: Running,
  { workerId, types, running, clock }: PresenceOptions,
): () => Worker {
  return () => {
    const nowMs = clock.nowMs();
    return create(WorkerSchema, {
      id: workerId,
      host: hostname(),
      pid: process.pid,
      version: VERSION,
      queues: [...settings.queues],
      taskTypes: types.map((type) => type.input.typeName),
      concurrency: settings.concurrency,
      running: running.count,
      runningTaskIds: running.taskIds,
      leaving: leaving.aborted,
      startTime: timestampFromMs(Math.round(nowMs - process.uptime() * 1_000)),
      heartbeatTime: timestampFromMs(nowMs),
      takesByType: true,
    });
  };
}
