import type { Broker } from "#lib/broker/broker.ts";
import type { Readiness } from "#lib/process/readiness.ts";
import { enforceLimits } from "./enforce-limits.ts";
import type { Janitor } from "./janitor/janitor.ts";
import type { KnownTaskTypes } from "./known-task-types.ts";
import type { QueueOverseer } from "./queue-overseer.ts";

interface ChoresOptions {
  readonly broker: Broker;
  readonly types: KnownTaskTypes;
  readonly overseer: QueueOverseer;
  readonly readiness: Readiness;
  readonly janitor: Janitor;
}

/** What every gateway does beside its calls, until the signal aborts. */
export function chores(options: ChoresOptions, signal: AbortSignal) {
  const { broker, types, overseer, readiness, janitor } = options;
  return Promise.all([
    broker.taskTypes.follow((announced) => {
      types.update(announced);
      readiness.green("task types");
    }, signal),
    broker.liveWorkers.follow(signal),
    broker.schedule.moveDueTasks(signal),
    broker.roomWanted.follow(signal),
    enforceLimits(broker, signal),
    overseer.follow(signal),
    janitor.run(signal),
  ]);
}
