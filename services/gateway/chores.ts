import type { Broker } from "#lib/broker/broker.ts";
import type { Readiness } from "#lib/process/readiness.ts";
import { enforceLimits } from "./enforce-limits.ts";
import type { KnownTaskTypes } from "./known-task-types.ts";
import type { QueueOverseer } from "./queue-overseer.ts";

interface ChoresOptions {
  readonly broker: Broker;
  readonly types: KnownTaskTypes;
  readonly overseer: QueueOverseer;
  readonly readiness: Readiness;
}

/** What every gateway does beside its calls, until the signal aborts. */
export function chores({ broker, types, overseer, readiness }: ChoresOptions, signal: AbortSignal) {
  return Promise.all([
    broker.taskTypes.follow(
      (type) => types.add(type),
      () => readiness.green("task types"),
      signal,
    ),
    broker.schedule.moveDueTasks(signal),
    enforceLimits(broker, signal),
    overseer.follow(signal),
  ]);
}
