import { fromBinary, toBinary } from "@bufbuild/protobuf";
import { JetStreamApiCodes, JetStreamApiError, type StoredMsg } from "@nats-io/jetstream";
import { Priority } from "#gen/millrace/v1/task_pb.ts";
import { type WaitingTask, WaitingTaskSchema } from "#gen/millrace/v1/waiting_task_pb.ts";
import { QueueFull } from "#lib/task/errors.ts";
import { DEFAULT_QUEUE } from "#lib/task/limits.ts";
import { LEVELS, levelOf } from "#lib/task/priority.ts";
import { typeNameOf } from "#lib/task/task-type.ts";
import { ask, isOverLimit } from "../link/ask.ts";
import { discard } from "../link/discard.ts";
import type { Link } from "../link/link.ts";
import { type Lane, laneFor, type Names, taskIdOf } from "../names.ts";
import { type Lanes, untyped } from "./lanes.ts";
import { type QueueDepth, readQueueDepth } from "./queue-figures.ts";
import type { RoomWanted } from "./room-wanted.ts";
import { isLeftBehind } from "./waiting.ts";

/** When a queue is full, a place may be free after about this long. */
const FULL_RETRY_MS = 1_000;

/** What lies in a queue. */
export interface QueueEntry {
  readonly taskId: string;
  /** Of the entry, not of the task. */
  readonly sequence: number;
  /** Undefined when its bytes can't be read; the log may know the task all the same. */
  readonly waiting: WaitingTask | undefined;
}

/** The place of a task in its queue. */
export function placeOf(waiting: WaitingTask) {
  const { queue = "", priority = Priority.UNSPECIFIED } = waiting.spec ?? {};
  return { queue: queue || DEFAULT_QUEUE, level: levelOf(priority) };
}

/** The lane that the task waits in. */
function laneOfTask(waiting: WaitingTask): Lane {
  const { queue, level } = placeOf(waiting);
  return laneFor(queue, level, typeNameOf(waiting.spec?.input));
}

/** Where the task may lie in its queue: releases before this one kept all types together. */
export function entrySubjects(names: Names, waiting: WaitingTask): string[] {
  const lane = laneOfTask(waiting);
  const lanes = lane.type === "" ? [lane] : [lane, untyped(lane)];
  return lanes.map((each) => names.laneSubject(each, waiting.taskId));
}

/**
 * Undefined for bytes that are not the waiting task of that id: whoever holds them can still read the log. Much that is
 * none decodes as one, with nothing in it.
 */
export function decodeWaiting(data: Uint8Array, taskId: string): WaitingTask | undefined {
  try {
    const waiting = fromBinary(WaitingTaskSchema, data);
    return waiting.taskId === taskId && waiting.spec ? waiting : undefined;
  } catch {
    return undefined;
  }
}

interface QueuesOptions {
  readonly link: Link;
  readonly lanes: Lanes;
  readonly roomWanted: RoomWanted;
  /** Whether all workers that serve the type are of releases that take no tasks by their type. */
  readonly onlyOldServe: (type: string) => boolean;
}

/** Where tasks wait for workers. */
export class Queues {
  readonly #link: Link;
  readonly #lanes: Lanes;
  readonly #roomWanted: RoomWanted;
  readonly #onlyOldServe: (type: string) => boolean;

  constructor({ link, lanes, roomWanted, onlyOldServe }: QueuesOptions) {
    this.#link = link;
    this.#lanes = lanes;
    this.#roomWanted = roomWanted;
    this.#onlyOldServe = onlyOldServe;
  }

  /** The same as `enqueue` for a task that is not accepted yet: it has no room before those that are. */
  async enqueueNew(waiting: WaitingTask): Promise<boolean> {
    const { queue } = placeOf(waiting);
    if (this.#roomWanted.has(queue)) throw new QueueFull(queue, FULL_RETRY_MS);
    return this.#put(waiting);
  }

  /**
   * Puts a task into its queue, in place of what an earlier run has left there. One that is there already stays where it
   * is, and false is returned.
   */
  async enqueue(waiting: WaitingTask): Promise<boolean> {
    try {
      return await this.#put(waiting);
    } catch (error) {
      if (error instanceof QueueFull) this.#roomWanted.tell(placeOf(waiting).queue);
      throw error;
    }
  }

  async #put(waiting: WaitingTask): Promise<boolean> {
    const lane = await this.#lanes.open(this.#laneFor(waiting));
    for (;;) {
      const refusal = await this.#add(lane, waiting);
      if (refusal === undefined) return true;
      // A full queue, too, refuses without looking whether the task is in it.
      const found = await this.#lookUp(waiting);
      if (found.some((entry) => !isLeft(entry, waiting))) return false;
      for (const { seq } of found) await this.discard(lane.queue, seq);
      if (found.length === 0 && refusal === "full") throw new QueueFull(lane.queue, FULL_RETRY_MS);
    }
  }

  #laneFor(waiting: WaitingTask): Lane {
    const lane = laneOfTask(waiting);
    return this.#onlyOldServe(lane.type) ? untyped(lane) : lane;
  }

  /** Why it was not added; undefined: it was. */
  async #add(lane: Lane, waiting: WaitingTask): Promise<"taken" | "full" | undefined> {
    const { publisher, names } = this.#link.use();
    const subject = names.laneSubject(lane, waiting.taskId);
    try {
      await ask(publisher.store({ subject, data: toBinary(WaitingTaskSchema, waiting) }));
      return undefined;
    } catch (error) {
      if (!isOverLimit(error)) throw error;
      return error.message.includes("per subject") ? "taken" : "full";
    }
  }

  /** Takes a task whose run has ended out of its queue, even if it is on loan. No harm if it is not there. */
  async remove(ended: WaitingTask): Promise<void> {
    for (const { data, seq } of await this.#lookUp(ended)) {
      const entry = decodeWaiting(data, ended.taskId);
      if (entry && isLeftBehind(ended, entry)) continue;
      await this.discard(placeOf(ended).queue, seq);
    }
  }

  /**
   * All that lies in the queue now, on loan or not, oldest first; not what comes later. Ends early where the queue does.
   */
  async *entries(queue: string): AsyncGenerator<QueueEntry> {
    for await (const { seq: sequence, subject, data } of this.#stored(queue)) {
      const taskId = taskIdOf(subject);
      yield { taskId, sequence, waiting: decodeWaiting(data, taskId) };
    }
  }

  async *#stored(queue: string, onlyOf?: Lane): AsyncGenerator<StoredMsg> {
    const { jsm, names } = this.#link.use();
    const stream = names.queueStream(queue);
    const subject = onlyOf ? names.laneSubject(onlyOf, "*") : names.wholeQueueSubject(queue);
    const { state } = await ask(jsm.streams.info(stream));
    let from = state.first_seq;
    while (from <= state.last_seq) {
      const query = { seq: from, next_by_subj: subject };
      const found = await ask(jsm.streams.getMessage(stream, query));
      if (!found || found.seq > state.last_seq) return;
      yield found;
      from = found.seq + 1;
    }
  }

  /** Hands the tasks of a type, if only workers of releases before this one serve it, to those. */
  async handToOldWorkers(queue: string, type: string): Promise<void> {
    if (type === "" || !this.#onlyOldServe(type)) return;
    for (const { token: level } of LEVELS) await this.untype({ queue, level, type });
  }

  /** Puts what lies in a lane into that of all types. */
  async untype(lane: Lane): Promise<void> {
    const stored = this.#stored(lane.queue, lane);
    for await (const { subject, data, seq } of stored) {
      const waiting = decodeWaiting(data, taskIdOf(subject));
      const refusal = waiting && (await this.#add(untyped(lane), waiting));
      if (waiting && refusal !== "full") await this.discard(lane.queue, seq);
    }
  }

  /** The queues that there are, and how many tasks lie in each, on loan or not; whoever is configured with them. */
  async counts(): Promise<ReadonlyMap<string, number>> {
    const counts = new Map<string, number>();
    const { jsm, names } = this.#link.use();
    const pages = jsm.streams.list(names.allQueues);
    for (let page = await ask(pages.next()); page.length > 0; page = await ask(pages.next())) {
      for (const { config, state } of page) {
        const queue = names.queueOfStream(config.name);
        if (queue !== undefined) counts.set(queue, state.messages);
      }
    }
    return counts;
  }

  /** Takes an entry out of the queue. No harm if it is not there any more. */
  discard(queue: string, sequence: number): Promise<void> {
    return discard(this.#link.use(), this.#link.names.queueStream(queue), sequence);
  }

  depth(queue: string): Promise<QueueDepth> {
    return readQueueDepth(this.#link, queue);
  }

  async #lookUp(waiting: WaitingTask): Promise<StoredMsg[]> {
    const { queue } = placeOf(waiting);
    const { jsm, names } = this.#link.use();
    try {
      const found = entrySubjects(names, waiting).map((subject) =>
        ask(jsm.streams.getMessage(names.queueStream(queue), { last_by_subj: subject })),
      );
      return (await Promise.all(found)).filter((entry) => entry !== null);
    } catch (error) {
      const gone =
        error instanceof JetStreamApiError && error.code === JetStreamApiCodes.StreamNotFound;
      if (gone) return [];
      throw error;
    }
  }
}

/** One that can't be read stays: whoever gets it goes by the log. */
function isLeft({ data }: StoredMsg, by: WaitingTask): boolean {
  const entry = decodeWaiting(data, by.taskId);
  return entry !== undefined && isLeftBehind(entry, by);
}
