import { toBinary } from "@bufbuild/protobuf";
import { type Task, TaskState } from "#gen/millrace/v1/task_pb.ts";
import { type WaitingTask, WaitingTaskSchema } from "#gen/millrace/v1/waiting_task_pb.ts";
import { QueueFull } from "#lib/task/errors.ts";
import { awaitsStart, isTerminal } from "#lib/task/life.ts";
import { queueTask } from "#lib/task/next-state.ts";
import { ask } from "../link/ask.ts";
import { discard } from "../link/discard.ts";
import { keepRunning } from "../link/keep-running.ts";
import type { BrokerLog, Connected, Link } from "../link/link.ts";
import type { TaskLog } from "../log/task-log.ts";
import { dueSubject, MOVER, SCHEDULE_STREAM, scheduleSubject } from "../names.ts";
import type { Delivery } from "./delivery.ts";
import { takeNext, takeNow } from "./pull.ts";
import { decodeWaiting, placeOf, type Queues } from "./queues.ts";
import type { Unreadable } from "./unreadable.ts";
import { dueAfter, entryAfter, fenceOf, isOfLaterLife, waitingOf } from "./waiting.ts";

const SOURCE = { stream: SCHEDULE_STREAM, consumer: MOVER };
const MOVED_AT_ONCE = 100;
const LATER_MS = 1_000;
/** The task's place is not about to be free: its entry may wait in a long or paused queue. */
const MANY_TRIES = 10;
const MUCH_LATER_MS = 30_000;
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

  /** Puts the task into its queue at the time, or at once if that is past. Replaces what was scheduled for it. */
  async plan(waiting: WaitingTask, at: Date): Promise<void> {
    const { queue, level } = placeOf(waiting);
    const schedule = { specification: at, target: dueSubject(queue, level, waiting.taskId) };
    const data = toBinary(WaitingTaskSchema, waiting);
    await ask(this.#link.use().js.publish(scheduleSubject(waiting.taskId), data, { schedule }));
  }

  /** Forgets what is scheduled for a task that has ended; not what is for a later life of it. */
  async cancel(ended: WaitingTask): Promise<void> {
    const { taskId } = ended;
    const found = await this.#lookUp(scheduleSubject(taskId));
    const entry = found && decodeWaiting(found.data, taskId);
    if (!found || (entry && isOfLaterLife(entry, ended))) return;
    await discard(this.#link.use(), SCHEDULE_STREAM, found.seq);
  }

  /** What is scheduled for the task; undefined if nothing is, or nothing that can be read. */
  async find(taskId: string): Promise<WaitingTask | undefined> {
    const found = await this.#lookUp(scheduleSubject(taskId));
    return found ? decodeWaiting(found.data, taskId) : undefined;
  }

  /** What is due of the task, and not in its queue yet. */
  async findDue(task: WaitingTask): Promise<WaitingTask | undefined> {
    const { queue, level } = placeOf(task);
    const found = await this.#lookUp(dueSubject(queue, level, task.taskId));
    return found ? decodeWaiting(found.data, task.taskId) : undefined;
  }

  #lookUp(subject: string) {
    const query = { last_by_subj: subject };
    return ask(this.#link.use().jsm.streams.getMessage(SCHEDULE_STREAM, query));
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
    while (!signal.aborted) {
      const due = await takeNow(connected, SOURCE, MOVED_AT_ONCE);
      if (due.length === 0) due.push(...(await takeNext(connected, [SOURCE], signal)));
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
      if (!due || (await this.#enqueue(due))) return delivery.done();
      if (delivery.count < MANY_TRIES) return delivery.putBack(LATER_MS);
      await this.plan(due, new Date(this.#link.clock.nowMs() + MUCH_LATER_MS));
      return delivery.done();
    } catch (error) {
      return this.#moveLater(delivery, waiting, error);
    }
  }

  /**
   * False while the task's place is taken by an earlier entry, which its worker is about to let go of: were ours dropped
   * now, nothing would be left to start the next attempt. A task whose attempt runs, or that has ended, needs no entry.
   */
  async #enqueue(due: WaitingTask): Promise<boolean> {
    if (await this.#queues.enqueue(due)) return true;
    const standing = await this.#tasks.read(due.taskId);
    return !standing || needsNoEntry(standing.task, due);
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
   * The task as it is by now. It may wait for its next attempt: then this plan has taken the place of that one's, and a
   * worker that gets the task early plans it again.
   */
  async #goneOn(planned: WaitingTask): Promise<WaitingTask | undefined> {
    const standing = await this.#tasks.read(planned.taskId);
    if (!standing || needsNoEntry(standing.task, planned)) return undefined;
    const waiting = waitingOf(standing);
    // Another task of its id, with a start time of its own,
    const isAnother = awaitsStart(waiting.last) && isOfLaterLife(waiting, planned);
    if (!isAnother) return waiting;
    // in place of whose plan this one came.
    await this.plan(waiting, dueAfter(waiting, this.#link.clock.nowMs()));
    return undefined;
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

/** Of a task that has ended, an entry may be its restart, on its way to the log. */
function needsNoEntry({ state, restarts }: Task, { last }: WaitingTask): boolean {
  if (isTerminal(state)) return restarts >= (last?.restarts ?? 0);
  return state === TaskState.RUNNING;
}
