import { timestampMs } from "@bufbuild/protobuf/wkt";
import {
  type StateChange,
  type TaskEvent,
  type TaskSpec,
  TaskState,
} from "#gen/millrace/v1/task_pb.ts";
import { isRefusal, isTerminal, mayFollow } from "#lib/task/life.ts";
import { DEFAULT_QUEUE } from "#lib/task/limits.ts";
import { typeNameOf } from "#lib/task/task-type.ts";
import { Durations } from "./durations.ts";
import { RecentTasks } from "./recent-tasks.ts";
import { SeriesBook } from "./series.ts";
import { SucceededTasks } from "./succeeded-tasks.ts";
import { advance, recordOf, type TaskRecord } from "./task-record.ts";
import { WorkerTallies } from "./worker-tallies.ts";

const { RUNNING, SUCCEEDED, CANCELED } = TaskState;

/** To look for what has left the log more often than this is not worth the time. */
const FORGET_EVERY_MS = 1_000;

function secondsBetween(fromMs: number, toMs: number): number {
  return Math.max(0, toMs - fromMs) / 1_000;
}

/** One that has ended stays as it is, or is started again. */
function mayBecome(record: TaskRecord, change: StateChange): boolean {
  return !isTerminal(record.state) || mayFollow(record.state, change.state);
}

/**
 * What the log says, as figures. They depend on nothing but its events and the times that are handed in, so that
 * whoever reads the same log comes to the same figures.
 */
export class Figures {
  readonly workers = new WorkerTallies();
  readonly recent = new RecentTasks();
  readonly queueWait = new Durations();
  readonly runTime = new Durations();
  readonly #retentionMs: number;
  readonly #series = new SeriesBook();
  readonly #succeeded = new SucceededTasks();
  /** All others, in the order of their acceptance: those that ended without success may be started again. */
  readonly #others = new Map<string, TaskRecord>();
  #sequence = 0n;
  #newestMs = 0;
  #forgottenMs = 0;

  constructor(retentionMs: number) {
    this.#retentionMs = retentionMs;
  }

  /** The newest event that they include. */
  get sequence(): bigint {
    return this.#sequence;
  }

  /** When the log stored that event. */
  get newestMs(): number {
    return this.#newestMs;
  }

  get series() {
    return this.#series.all;
  }

  /** One more event. They must come in order. */
  apply(event: TaskEvent): void {
    const { facet } = event;
    const timeMs = event.time ? timestampMs(event.time) : this.#newestMs;
    this.#sequence = event.sequence;
    this.#newestMs = Math.max(this.#newestMs, timeMs);
    if (facet.case === "spec") this.#accept(event, facet.value, timeMs);
    if (facet.case === "state") this.#change(event, facet.value, timeMs);
    if (facet.case === "progress") this.recent.progressed(event);
  }

  /** Takes out the tasks that have left the log by now: those accepted longer ago than it keeps an event. */
  forget(nowMs: number): void {
    if (nowMs - this.#forgottenMs < FORGET_EVERY_MS) return;
    this.#forgottenMs = nowMs;
    const beforeMs = nowMs - this.#retentionMs;
    for (const record of this.#others.values()) {
      if (record.createdMs >= beforeMs) break;
      this.#drop(record);
    }
    this.#succeeded.forget(beforeMs);
    this.recent.forget(beforeMs);
    this.workers.forget(beforeMs);
  }

  #accept(event: TaskEvent, spec: TaskSpec, timeMs: number): void {
    this.forget(timeMs);
    // The same id once more: the first task was deleted from the log, and we have not seen its mark.
    this.#delete(event.taskId);
    const type = typeNameOf(spec.input);
    const series = this.#series.of(spec.queue || DEFAULT_QUEUE, type);
    const record = recordOf(event, spec, { series, createdMs: timeMs });
    this.#others.set(record.id, record);
    series.tasks.add(record.state, 1);
    series.meters.accepted.count(timeMs);
    this.recent.changed(record, event);
  }

  #change(event: TaskEvent, change: StateChange, timeMs: number): void {
    if (change.deleted) this.#delete(event.taskId);
    // Of a task whose acceptance has left the log, nobody knows what it was.
    const record = this.#others.get(event.taskId);
    if (record && isRefusal(change)) this.#refuse(record);
    else if (record && mayBecome(record, change)) {
      this.#move(record, change, timeMs);
      this.recent.changed(record, event);
    }
  }

  #move(record: TaskRecord, change: StateChange, timeMs: number): void {
    const { series } = record;
    if (change.restarts > record.restarts) series.meters.restarted.count(timeMs);
    if (record.state === RUNNING && change.state !== RUNNING) this.#end(record, change, timeMs);
    series.countMove(record.state, change.state, timeMs);
    const first = record.attempt === 0;
    advance(record, change, timeMs);
    if (change.state === RUNNING) this.#start(record, change, { timeMs, first });
    if (change.state !== SUCCEEDED) return;
    this.#others.delete(record.id);
    this.#succeeded.add(record);
  }

  #start(
    { startMs, series }: TaskRecord,
    { workerId }: StateChange,
    { timeMs, first }: { readonly timeMs: number; readonly first: boolean },
  ): void {
    this.workers.seen(workerId, timeMs);
    if (!first) return;
    const seconds = secondsBetween(startMs, timeMs);
    this.queueWait.observe(seconds);
    series.queueWait.observe(seconds);
  }

  #end(record: TaskRecord, change: StateChange, timeMs: number): void {
    // It died with its worker, and nobody knows when.
    if (change.crashes > record.crashes) return;
    const { series, sinceMs, failures } = record;
    const seconds = secondsBetween(sinceMs, timeMs);
    this.runTime.observe(seconds);
    series.runTime.observe(seconds);
    series.lastRunTimes.observe(seconds);
    // A cancel is written by whoever was asked, not by the worker.
    if (change.state === CANCELED) return;
    const worker = this.workers.seen(change.workerId, timeMs);
    if (change.state === SUCCEEDED) worker.succeeded += 1;
    if (change.failures > failures) worker.failed += 1;
  }

  /** A submit that was refused never was a task. */
  #refuse(record: TaskRecord): void {
    record.series.meters.accepted.takeBack(record.createdMs);
    this.#delete(record.id);
  }

  /**
   * The task whose last event has this sequence has left the log; totals of what has happened stay. It is told late, and
   * one that was accepted later is another task of its id.
   */
  left(taskId: string, sequence: number): void {
    const open = this.#others.get(taskId);
    const isOther = open ? open.sequence > sequence : this.#succeeded.isAfter(taskId, sequence);
    if (!isOther) this.#delete(taskId);
  }

  /** Nothing is left of the task, in whatever state it was. */
  #delete(taskId: string): void {
    this.recent.remove(taskId);
    this.#succeeded.remove(taskId);
    const record = this.#others.get(taskId);
    if (record) this.#drop(record);
  }

  #drop(record: TaskRecord): void {
    record.series.tasks.add(record.state, -1);
    this.#others.delete(record.id);
  }
}
