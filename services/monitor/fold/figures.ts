import { timestampMs } from "@bufbuild/protobuf/wkt";
import {
  type StateChange,
  type TaskEvent,
  type TaskSpec,
  TaskState,
} from "#gen/millrace/v1/task_pb.ts";
import { isRefusal, isTerminal } from "#lib/task/life.ts";
import { DEFAULT_QUEUE } from "#lib/task/limits.ts";
import { Durations } from "./durations.ts";
import { EndedTasks } from "./ended-tasks.ts";
import { RecentTasks } from "./recent-tasks.ts";
import { SeriesBook } from "./series.ts";
import type { TaskRecord } from "./task-record.ts";
import { WorkerTallies } from "./worker-tallies.ts";

const { QUEUED, RUNNING, SUCCEEDED, CANCELED } = TaskState;

/** To look for what has left the log more often than this is not worth the time. */
const FORGET_EVERY_MS = 1_000;

function secondsBetween(fromMs: number, toMs: number): number {
  return Math.max(0, toMs - fromMs) / 1_000;
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
  readonly #ended = new EndedTasks();
  /** In the order of their acceptance. */
  readonly #unended = new Map<string, TaskRecord>();
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
    for (const record of this.#unended.values()) {
      if (record.createdMs >= beforeMs) break;
      this.#drop(record);
    }
    this.#ended.forget(beforeMs);
    this.recent.forget(beforeMs);
    this.workers.forget(beforeMs);
  }

  #accept(event: TaskEvent, spec: TaskSpec, timeMs: number): void {
    this.forget(timeMs);
    // The same id once more: the first task was deleted from the log.
    const former = this.#unended.get(event.taskId);
    if (former) this.#drop(former);
    const type = spec.input?.typeUrl.split("/").at(-1) ?? "";
    const record: TaskRecord = {
      id: event.taskId,
      series: this.#series.of(spec.queue || DEFAULT_QUEUE, type),
      priority: spec.priority,
      createdMs: timeMs,
      state: QUEUED,
      attempt: 0,
      failures: 0,
      crashes: 0,
      sinceMs: timeMs,
      dueMs: 0,
    };
    const { series } = record;
    this.#unended.set(record.id, record);
    series.tasks.add(QUEUED, 1);
    series.meters.accepted.count(timeMs);
    series.waiting.place(record);
    this.recent.changed(record, event);
  }

  #change(event: TaskEvent, change: StateChange, timeMs: number): void {
    // Of a task whose acceptance has left the log, nobody knows what it was; and one that has ended stays as it is.
    const record = this.#unended.get(event.taskId);
    if (record && isRefusal(change)) this.#refuse(record);
    else if (record) {
      this.#move(record, change, timeMs);
      this.recent.changed(record, event);
    }
  }

  #move(record: TaskRecord, change: StateChange, timeMs: number): void {
    const { series } = record;
    if (change.state === RUNNING) this.#start(record, change, timeMs);
    else if (record.state === RUNNING) this.#end(record, change, timeMs);
    series.countMove(record.state, change.state, timeMs);
    record.state = change.state;
    record.attempt = change.attempt;
    record.failures = change.failures;
    record.crashes = change.crashes;
    record.sinceMs = timeMs;
    record.dueMs = change.nextAttemptTime ? timestampMs(change.nextAttemptTime) : timeMs;
    series.waiting.place(record);
    if (!isTerminal(change.state)) return;
    this.#unended.delete(record.id);
    this.#ended.add(series, change.state, record.createdMs);
  }

  #start({ attempt, createdMs, series }: TaskRecord, change: StateChange, timeMs: number): void {
    this.workers.seen(change.workerId, timeMs);
    if (attempt > 0) return;
    const seconds = secondsBetween(createdMs, timeMs);
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
    this.recent.remove(record.id);
    this.#drop(record);
  }

  #drop(record: TaskRecord): void {
    record.series.tasks.add(record.state, -1);
    record.series.waiting.remove(record);
    this.#unended.delete(record.id);
  }
}
