import { JetStreamApiCodes, JetStreamApiError } from "@nats-io/jetstream";
import { onAbort } from "#lib/async/abort.ts";
import { BrokerUnavailable } from "#lib/task/errors.ts";
import { ask } from "../link/ask.ts";
import { BrokerUnfit } from "../link/broker-unfit.ts";
import type { Connected, Link } from "../link/link.ts";
import { type Lane, laneOf, laneOfSubject, laneToken } from "../names.ts";
import { establishLane } from "../topology/establish.ts";
import { listLanes } from "./list-lanes.ts";

const FULL_FOR_MS = 10_000;

type Opened = Map<string, Promise<void>>;

/** The lanes of the queues. A lane is made when its first task comes, and stays. */
export class Lanes {
  readonly #link: Link;
  /** Those that are there, or about to be, of the connection; by queue and token. */
  readonly #opened = new WeakMap<Connected, Opened>();
  /** Those that were there once, and most likely still are. */
  readonly #known = new Set<string>();
  /** When a queue was last found to have no room for another lane. */
  readonly #fullAtMs = new Map<string, number>();

  constructor(link: Link) {
    this.#link = link;
  }

  /**
   * Makes sure that the lane is there, so that what is put into it is handed out; and tells workers of a new one. Resolves to
   * the lane to use: that of all types, in a queue that has as many lanes as the broker takes.
   */
  async open(lane: Lane): Promise<Lane> {
    if (lane.type === "") return lane;
    const opened = this.#openedOf(this.#link.use());
    const key = `${lane.queue} ${laneToken(lane)}`;
    if (!opened.has(key) && this.#isFull(lane.queue)) return untyped(lane);
    // The first tasks of a type may come by the hundred.
    const opening = opened.get(key) ?? this.#begin(lane, { opened, key });
    // A cluster that has lost a server may take seconds to choose a leader for it. What is put into it waits there.
    if (this.#known.has(key)) return lane;
    try {
      await opening;
      return lane;
    } catch (error) {
      if (!isTooMany(error)) throw error;
      return untyped(lane);
    }
  }

  #begin(lane: Lane, { opened, key }: { opened: Opened; key: string }): Promise<void> {
    const opening = this.#opening(lane, key);
    opened.set(key, opening);
    opening.catch(() => opened.delete(key));
    return opening;
  }

  async #opening(lane: Lane, key: string): Promise<void> {
    try {
      await this.restore(lane);
      this.#known.add(key);
    } catch (error) {
      if (!isTooMany(error)) throw error;
      this.#known.delete(key);
      this.#fullAtMs.set(lane.queue, performance.now());
      throw error;
    }
  }

  /** Whether it was found lately that a queue has no room for another lane. Those that it has are not asked about again. */
  #isFull(queue: string): boolean {
    const fullAtMs = this.#fullAtMs.get(queue) ?? Number.NEGATIVE_INFINITY;
    return performance.now() - fullAtMs < FULL_FOR_MS;
  }

  #openedOf(connected: Connected): Opened {
    const opened: Opened = this.#opened.get(connected) ?? new Map();
    this.#opened.set(connected, opened);
    return opened;
  }

  /** The same for one that was there, and that somebody may have deleted by hand. */
  async restore(lane: Lane): Promise<void> {
    const connected = this.#link.use();
    await ask(thereIfQueueIs(establishLane(connected, lane)), connected.lost);
    connected.nc.publish(connected.names.newLaneSubject(lane.queue), laneToken(lane));
  }

  /**
   * Puts the lanes back that were deleted by hand while tasks lay in them; where one can't be, the others all the same.
   * Resolves to those that the queue has no room for. Reads the subject of every entry.
   */
  async restoreStranded(queue: string): Promise<Lane[]> {
    const { jsm, names } = this.#link.use();
    const query = { subjects_filter: names.wholeQueueSubject(queue) };
    const { state } = await ask(jsm.streams.info(names.queueStream(queue), query));
    const used = Object.keys(state.subjects ?? {}).map(laneOfSubject);
    const lost = new Map(used.flatMap((lane) => (lane ? [[laneToken(lane), lane]] : [])));
    for (const lane of await this.list(queue)) lost.delete(laneToken(lane));
    const failures: unknown[] = [];
    const tooMany: Lane[] = [];
    for (const lane of lost.values()) {
      await this.restore(lane).catch((error) => {
        if (error instanceof BrokerUnavailable) throw error;
        if (isTooMany(error)) tooMany.push(lane);
        else failures.push(error);
      });
    }
    if (failures.length > 0) throw failures[0];
    return tooMany;
  }

  /** The lanes that the queue has. */
  async list(queue: string): Promise<Lane[]> {
    const lanes = await ask(listLanes(this.#link.use(), queue));
    return lanes.map(({ lane }) => lane);
  }

  /** Calls back with every lane that is made from now on, until the signal aborts. Some may be missed: list them now and then. */
  onNew(queue: string, onLane: (lane: Lane) => void, signal: AbortSignal): void {
    const { nc, names } = this.#link.use();
    const told = nc.subscribe(names.newLaneSubject(queue), {
      callback(_, message) {
        const lane = laneOf(queue, message.string());
        if (lane) onLane(lane);
      },
    });
    onAbort(signal, () => told.unsubscribe());
  }
}

/** Where the tasks of every type may wait. */
export function untyped(lane: Lane): Lane {
  return { ...lane, type: "" };
}

/** A stream has at most 1,000 consumers (nats-server 2.15), and each lane is one. */
const TOO_MANY_CONSUMERS = 10_026;

function isTooMany(error: unknown): boolean {
  const refusal = error instanceof BrokerUnfit ? error.cause : error;
  return refusal instanceof JetStreamApiError && refusal.code === TOO_MANY_CONSUMERS;
}

/** A queue that is not there is put back by whoever is configured with it; until then its lanes are as good as away. */
async function thereIfQueueIs<T>(answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (error) {
    const isGone =
      error instanceof JetStreamApiError && error.code === JetStreamApiCodes.StreamNotFound;
    throw isGone ? new BrokerUnavailable(error) : error;
  }
}
