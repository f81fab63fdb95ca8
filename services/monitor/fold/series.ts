import { TaskState } from "#gen/millrace/v1/task_pb.ts";
import { Buckets, QUEUE_WAIT_BOUNDS_SECONDS, RUN_BOUNDS_SECONDS } from "./buckets.ts";
import { Durations } from "./durations.ts";
import { Meter } from "./meter.ts";
import { StateCounts } from "./state-counts.ts";

export type MeterName =
  | "accepted"
  | "started"
  | "succeeded"
  | "failed"
  | "expired"
  | "retried"
  | "restarted";

const METER_OF: ReadonlyMap<TaskState, MeterName> = new Map([
  [TaskState.RUNNING, "started"],
  [TaskState.SUCCEEDED, "succeeded"],
  [TaskState.FAILED, "failed"],
  [TaskState.EXPIRED, "expired"],
  [TaskState.RETRYING, "retried"],
]);

/** The figures of one task type in one queue: the grain from which all others are summed up. */
export class Series {
  readonly queue: string;
  readonly type: string;
  readonly tasks = new StateCounts();
  readonly queueWait = new Buckets(QUEUE_WAIT_BOUNDS_SECONDS);
  readonly runTime = new Buckets(RUN_BOUNDS_SECONDS);
  /** Of the type, in all queues. */
  readonly lastRunTimes: Durations;
  readonly meters: Readonly<Record<MeterName, Meter>> = {
    accepted: new Meter(),
    started: new Meter(),
    succeeded: new Meter(),
    failed: new Meter(),
    expired: new Meter(),
    retried: new Meter(),
    restarted: new Meter(),
  };

  constructor(queue: string, type: string, lastRunTimes: Durations) {
    this.queue = queue;
    this.type = type;
    this.lastRunTimes = lastRunTimes;
  }

  countMove(from: TaskState, to: TaskState, timeMs: number): void {
    this.tasks.add(from, -1);
    this.tasks.add(to, 1);
    const name = METER_OF.get(to);
    if (name) this.meters[name].count(timeMs);
  }
}

/** Every series that the log named. */
export class SeriesBook {
  readonly #byType = new Map<string, Map<string, Series>>();
  readonly #all: Series[] = [];

  get all(): readonly Series[] {
    return this.#all;
  }

  of(queue: string, type: string): Series {
    const ofType = this.#byType.get(type) ?? new Map<string, Series>();
    this.#byType.set(type, ofType);
    return ofType.get(queue) ?? this.#begin(ofType, queue, type);
  }

  #begin(ofType: Map<string, Series>, queue: string, type: string): Series {
    const [sibling] = ofType.values();
    const series = new Series(queue, type, sibling?.lastRunTimes ?? new Durations());
    ofType.set(queue, series);
    this.#all.push(series);
    return series;
  }
}
