import type { TaskEvent } from "#gen/millrace/v1/task_pb.ts";
import type { Broker } from "#lib/broker/broker.ts";
import type { ManyWatchStep, WantedTasks } from "#lib/broker/watch/many-watch.ts";
import type { WatchStep } from "#lib/broker/watch/watch-steps.ts";
import { Watching } from "#lib/broker/watch/watching.ts";
import { QUIET } from "#test/support/broker.ts";
import { readLog } from "#test/support/ledger.ts";
import { until } from "#test/support/until.ts";

export async function openWatching(broker: Broker): Promise<Watching> {
  const watching = new Watching(broker.link, broker.log, QUIET);
  await until(() => watching.line.isUp);
  return watching;
}

/** What a watch has brought so far, in its order, by task; snapshots apart. */
export class WatchRecord {
  readonly events = new Map<string, bigint[]>();
  readonly snapshots: string[] = [];
  readonly failures: { taskId: string; error: Error }[] = [];

  take(step: ManyWatchStep): void {
    if (step.case === "snapshot") this.snapshots.push(step.value.id);
    else if (step.case === "failure") this.failures.push(step.value);
    else {
      const { taskId, sequence } = step.value;
      this.events.set(taskId, [...(this.events.get(taskId) ?? []), sequence]);
    }
  }
}

export async function follow(
  watching: Watching,
  wanted: Partial<WantedTasks>,
  { record, signal }: { record: WatchRecord; signal?: AbortSignal },
): Promise<WatchRecord> {
  const all = { tasks: [], labels: {}, ...wanted };
  for await (const step of watching.watchMany(all, signal ?? new AbortController().signal)) {
    record.take(step);
  }
  return record;
}

export const whole = (taskId: string) => ({ taskId, afterSequence: 0n });

export async function logOf(natsUrl: string, taskId: string): Promise<bigint[]> {
  return ((await readLog(natsUrl)).get(taskId) ?? []).map(({ sequence }) => sequence);
}

/** Reads a watch to its end; does something once it has the snapshot. */
export async function read(
  steps: AsyncIterable<WatchStep>,
  onSnapshot: () => Promise<unknown> = async () => {},
): Promise<TaskEvent[]> {
  const events: TaskEvent[] = [];
  for await (const step of steps) {
    if (step.case === "event") events.push(step.value);
    else await onSnapshot();
  }
  return events;
}
