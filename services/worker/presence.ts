import { hostname } from "node:os";
import { create } from "@bufbuild/protobuf";
import { timestampNow } from "@bufbuild/protobuf/wkt";
import { type Worker, WorkerSchema } from "#gen/millrace/v1/worker_pb.ts";
import type { Settings } from "#lib/process/settings.ts";
import { VERSION } from "#lib/process/version.ts";
import type { TaskTypeDefinition } from "#lib/task/task-type.ts";
import type { RunningAttempts } from "./running-attempts.ts";

export interface PresenceOptions {
  readonly workerId: string;
  readonly types: readonly TaskTypeDefinition[];
  readonly running: RunningAttempts;
  readonly leaving: AbortSignal;
  readonly settings: Settings;
}

/** How the worker describes itself, as it is at the moment. */
export function presence(options: PresenceOptions): () => Worker {
  const { workerId, types, running, leaving, settings } = options;
  const startTime = timestampNow();
  return () =>
    create(WorkerSchema, {
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
      startTime,
      heartbeatTime: timestampNow(),
    });
}
