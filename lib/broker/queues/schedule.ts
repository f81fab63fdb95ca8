import { toBinary } from "@bufbuild/protobuf";
import { TaskState } from "#gen/millrace/v1/task_pb.ts";
import { type WaitingTask, WaitingTaskSchema } from "#gen/millrace/v1/waiting_task_pb.ts";
import { QueueFull } from "#lib/task/errors.ts";
import { awaitsStart, isTerminal } from "#lib/task/life.ts";
import { queueTask } from "#lib/task/next-state.ts";
import { ask } from "../link/ask.ts";
import { discard } from "../link/discard.ts";
import { keepRunning } from "../link/keep-running.ts";
import type { BrokerLog, Connected, Link } from "../link/link.ts";
import type { TaskLog } from "../log/task-log.ts";
import { MOVER } from "../names.ts";
import type { Delivery } from "./delivery.ts";
import { takeNext, takeNow } from "./pull.ts";
import { placeOf, type Queues } from "./queues.ts";
import type { Unreadable } from "./unreadable.ts";
import { entryAfter, fenceOf, isSameRun, waitingOf } from "./waiting.ts";

const MOVED_AT_ONCE = 100;
const LATER_MS = 1_000;
/** For a queue that does not answer: mostly it has no leader for some seconds. */
const NO_QUEUE_RETRY_MS = 2_000;

export interface ScheduleOptions {
  readonly link: Link;
  readonly queues: Queues;
  readonly tasks: TaskLog;
  readonly unreadable: Unreadable;
  readonly log: BrokerLog;
}

/** Where tasks wait for a time. The broker keeps the time; we only move what is due. */
export class Schedule {
  readonly #link: Link;
  readonly #queues: Queues;
  readonly #tasks: TaskLog;
  readonly #unreadable: Unreadable;
  readonly #log: BrokerLog;

  constructor({ link, queues, tasks, unreadable, log }: ScheduleOptions) {
    this.#link = link;
    this.#queues = queues;
    this.#tasks = tasks;
    this.#unreadable = unreadable;
    this.#log = log;
  }

  /** Puts the task into its queue at the time, or at once if that is past. Replaces what was scheduled for this run of it. */
  async plan(waiting: WaitingTask, at: Date): Promise<void> {
    const { queue, level } = placeOf(waiting);
    const { js, names } = this.#link.use();
    const schedule = { specification: at, target: names.dueSubject(queue, level, waiting.taskId) };
    const data = toBinary(WaitingTaskSchema, waiting);
    const subject = names.scheduleSubject(fenceOf(waiting));
    await ask(js.publish(subject, data, { schedule }));
  }

  /** Forgets what is scheduled for a run that has ended. */
  async cancel(ended: WaitingTask): Promise<void> {
    const connected = this.#link.use();
    const { jsm, names } = connected;
    const query = { last_by_subj: names.scheduleSubject(fenceOf(ended)) };
    const found = await ask(jsm.streams.getMessage(names.scheduleStream, query));
    if (found) await discard(connected, names.scheduleStream, found.seq);
  }

  /** Moves due tasks to their queues until the signal aborts. Any number of processes may do so at once. */
  moveDueTasks(signal: AbortSignal): Promise<void> {
    return keepRunning(this.#link, {
      name: "move due tasks",
      log: this.#log,
      signal,
      run: (connected, until) => this.#move(connected, until),
    });
  }

  async #move(connected: Connected, signal: AbortSignal): Promise<void> {
    const source = { stream: connected.names.scheduleStream, consumer: MOVER };
    while (!signal.aborted) {
      const due = await takeNow(connected, source, MOVED_AT_ONCE);
      if (due.length === 0) due.push(...(await takeNext(connected, [source], signal)));
      await Promise.all(due.map((delivery) => this.#moveOne(delivery)));
    }
  }

  async #moveOne(delivery: Delivery): Promise<void> {
    const { waiting } = delivery;
    return waiting ? this.#moveTask(delivery, waiting) : this.#moveUnreadable(delivery);
  }

  /** Its task goes on as the log has it, if it has one. */
  async #moveUnreadable(delivery: Delivery): Promise<void> {
    try {
      const waiting = await this.#unreadable.dueTask(delivery);
      return waiting ? await this.#moveTask(delivery, waiting) : delivery.done();
    } catch (error) {
      this.#log.warn({ err: error, taskId: delivery.taskId }, "due message can't be moved yet");
      return delivery.putBack(LATER_MS);
    }
  }

  async #moveTask(delivery: Delivery, waiting: WaitingTask): Promise<void> {
    try {
      const due = awaitsStart(waiting.last) ? await this.#queued(waiting) : waiting;
      if (due) await this.#queues.enqueue(due);
      return delivery.done();
    } catch (error) {
      return this.#moveLater(delivery, waiting, error);
    }
  }

  /** Says in the log that a task's start time has come; undefined if it needs no place in the queue any more. */
  async #queued(planned: WaitingTask): Promise<WaitingTask | undefined> {
    let waiting: WaitingTask | undefined = planned;
    while (waiting && awaitsStart(waiting.last)) {
      const last = queueTask(waiting.last);
      const appended = await this.#tasks.append(fenceOf(waiting), last);
      if (appended.kind === "stored") return entryAfter(waiting, last, appended.sequence);
      waiting = await this.#goneOn(planned);
    }
    return waiting;
  }

  /**
   * The same run as it is by now, if it waits. It may wait for its next attempt: then this plan has taken the place of that
   * one's, and a worker that gets the task early plans it again.
   */
  async #goneOn(planned: WaitingTask): Promise<WaitingTask | undefined> {
    const standing = await this.#tasks.read(planned.taskId);
    const now = standing && waitingOf(standing);
    if (!now || !isSameRun(now, planned)) return undefined;
    const { state } = standing.task;
    return isTerminal(state) || state === TaskState.RUNNING ? undefined : now;
  }

  /**
   * A queue may be full for long, or gone: planned anew, the task does not hold a place among the due ones meanwhile.
   */
  async #moveLater(delivery: Delivery, waiting: WaitingTask, error: unknown): Promise<void> {
    const { taskId } = waiting;
    const isFull = error instanceof QueueFull;
    if (!isFull) this.#log.warn({ err: error, taskId }, "due task can't be moved yet");
    try {
      await this.plan(
        waiting,
        new Date(this.#link.clock.nowMs() + (isFull ? LATER_MS : NO_QUEUE_RETRY_MS)),
      );
      delivery.done();
    } catch {
      delivery.putBack(LATER_MS);
    }
  }
}
