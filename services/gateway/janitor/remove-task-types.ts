import type { Broker } from "#lib/broker/broker.ts";
import type { BrokerLog } from "#lib/broker/link/link.ts";
import type { Chore } from "./chore.ts";

const EVERY_MS = 600_000;

interface RemoveOptions {
  readonly broker: Broker;
  readonly log: BrokerLog;
  /** How long an event is kept. No task of a type outlives that which nobody has announced for longer. */
  readonly historyMs: number;
}

/** Takes task types off the list that no worker has announced for as long as a task is remembered. */
export function removeTaskTypes({ broker, log, historyMs }: RemoveOptions): Chore {
  const { taskTypes, liveWorkers } = broker;
  return {
    name: "task types",
    everyMs: EVERY_MS,
    async pass() {
      const isServed = (type: string) =>
        !liveWorkers.isComplete || liveWorkers.serving(type).length > 0;
      const removed = await taskTypes.remove({ olderThanMs: historyMs, isServed });
      if (removed.length > 0)
        log.info({ removed }, "task types that nobody announces were removed");
    },
  };
}
