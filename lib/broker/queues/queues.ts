import { fromBinary, toBinary } from "@bufbuild/protobuf";
import { JetStreamApiCodes, JetStreamApiError, type StoredMsg } from "@nats-io/jetstream";
import { Priority } from "#gen/millrace/v1/task_pb.ts";
import { type WaitingTask, WaitingTaskSchema } from "#gen/millrace/v1/waiting_task_pb.ts";
import { QueueFull } from "#lib/task/errors.ts";
import { DEFAULT_QUEUE } from "#lib/task/limits.ts";
import { levelOf } from "#lib/task/priority.ts";
import { ask, isOverLimit } from "../link/ask.ts";
import { discard } from "../link/discard.ts";
import type { Link } from "../link/link.ts";
import {
  ALL_QUEUES,
  queueOfStream,
  queueStream,
  queueSubject,
  taskIdOf,
  wholeQueueSubject,
} from "../names.ts";
import { isLeftBehind } from "./waiting.ts";

/** When a queue is full, a place may be free after about this long. */
const FULL_RETRY_MS = 1_000;

export interface QueueDepth {
  /** Tasks that wait for a worker. */
  readonly waiting: number;
  /** Tasks on loan to workers. */
  readonly inFlight: number;
}

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

/** Where tasks wait for workers. */
export class Queues {
  readonly #link: Link;

  constructor(link: Link) {
    this.#link = link;
  }

  /**
   * Puts a task into its queue, in place of what an earlier run has left there. One that is there already stays where it
   * is, and false is returned.
   */
  async enqueue(waiting: WaitingTask): Promise<boolean> {
    for (;;) {
      const refusal = await this.#add(waiting);
      if (refusal === undefined) return true;
      // A full queue, too, refuses without looking whether the task is in it.
      const found = await this.#lookUp(waiting);
      if (found && !isLeft(found, waiting)) return false;
      const { queue } = placeOf(waiting);
      if (found) await this.discard(queue, found.seq);
      else if (refusal === "full") throw new QueueFull(queue, FULL_RETRY_MS);
    }
  }

  /** Why it was not added; undefined: it was. */
  async #add(waiting: WaitingTask): Promise<"taken" | "full" | undefined> {
    const { queue, level } = placeOf(waiting);
    const subject = queueSubject(queue, level, waiting.taskId);
    const { js, lost } = this.#link.use();
    try {
      await ask(js.publish(subject, toBinary(WaitingTaskSchema, waiting)), lost);
      return undefined;
    } catch (error) {
      if (!isOverLimit(error)) throw error;
      return error.message.includes("per subject") ? "taken" : "full";
    }
  }

  /** Takes a task whose run has ended out of its queue, even if it is on loan. No harm if it is not there. */
  async remove(ended: WaitingTask): Promise<void> {
    const found = await this.#lookUp(ended);
    const entry = found && decodeWaiting(found.data, ended.taskId);
    if (!found || (entry && isLeftBehind(ended, entry))) return;
    await this.discard(placeOf(ended).queue, found.seq);
  }

  /**
   * All that lies in the queue now, on loan or not, oldest first; not what comes later. Ends early where the queue does.
   */
  async *entries(queue: string): AsyncGenerator<QueueEntry> {
    const { jsm } = this.#link.use();
    const stream = queueStream(queue);
    const { state } = await ask(jsm.streams.info(stream));
    let from = state.first_seq;
    while (from <= state.last_seq) {
      const query = { seq: from, next_by_subj: wholeQueueSubject(queue) };
      const found = await ask(jsm.streams.getMessage(stream, query));
      if (!found || found.seq > state.last_seq) return;
      const taskId = taskIdOf(found.subject);
      yield { taskId, sequence: found.seq, waiting: decodeWaiting(found.data, taskId) };
      from = found.seq + 1;
    }
  }

  /** The queues that there are, and how many tasks lie in each, on loan or not; whoever is configured with them. */
  async counts(): Promise<ReadonlyMap<string, number>> {
    const counts = new Map<string, number>();
    const pages = this.#link.use().jsm.streams.list(ALL_QUEUES);
    for (let page = await ask(pages.next()); page.length > 0; page = await ask(pages.next())) {
      for (const { config, state } of page) {
        const queue = queueOfStream(config.name);
        if (queue !== undefined) counts.set(queue, state.messages);
      }
    }
    return counts;
  }

  /** Takes an entry out of the queue. No harm if it is not there any more. */
  discard(queue: string, sequence: number): Promise<void> {
    return discard(this.#link.use(), queueStream(queue), sequence);
  }

  async depth(queue: string): Promise<QueueDepth> {
    const { jsm } = this.#link.use();
    const consumers = await ask(jsm.consumers.list(queueStream(queue)).next());
    const sum = (count: (info: (typeof consumers)[number]) => number) =>
      consumers.reduce((total, info) => total + count(info), 0);
    return {
      waiting: sum((info) => info.num_pending),
      inFlight: sum((info) => info.num_ack_pending),
    };
  }

  async #lookUp(waiting: WaitingTask) {
    const { queue, level } = placeOf(waiting);
    const query = { last_by_subj: queueSubject(queue, level, waiting.taskId) };
    try {
      return await ask(this.#link.use().jsm.streams.getMessage(queueStream(queue), query));
    } catch (error) {
      const gone =
        error instanceof JetStreamApiError && error.code === JetStreamApiCodes.StreamNotFound;
      if (gone) return null;
      throw error;
    }
  }
}

/** One that can't be read stays: whoever gets it goes by the log. */
function isLeft({ data }: StoredMsg, by: WaitingTask): boolean {
  const entry = decodeWaiting(data, by.taskId);
  return entry !== undefined && isLeftBehind(entry, by);
}
