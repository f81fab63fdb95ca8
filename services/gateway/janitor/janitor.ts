import { randomUUID } from "node:crypto";
import type { Broker } from "#lib/broker/broker.ts";
import type { BrokerLog } from "#lib/broker/link/link.ts";
import type { Listening } from "#lib/broker/log/tail.ts";
import type { Leadership } from "#lib/broker/processes/leadership.ts";
import { adoptOrphans } from "./adopt-orphans.ts";
import { type Chore, keepDoing } from "./chore.ts";
import { endOutlived } from "./end-outlived.ts";
import { JanitorFigures } from "./figures.ts";
import { leaveOnTime } from "./leave-on-time.ts";
import { makeRoom } from "./make-room.ts";
import { removeTaskTypes } from "./remove-task-types.ts";
import { reportParked } from "./report-parked.ts";

export interface JanitorOptions {
  readonly broker: Broker;
  readonly log: BrokerLog;
  readonly listening: Listening;
  /** How long an event is kept. */
  readonly historyMs: number;
}

/** Looks after what nobody asks for. Every gateway has one; one of them is at work. */
export class Janitor {
  readonly figures = new JanitorFigures();
  readonly #leadership: Leadership;
  readonly #chores: readonly Chore[];
  readonly #log: BrokerLog;

  constructor(options: JanitorOptions) {
    const { broker, log } = options;
    const given = { ...options, figures: this.figures };
    this.#log = log;
    this.#leadership = broker.leadership("janitor", randomUUID());
    this.#chores = [
      adoptOrphans(given),
      endOutlived(given),
      removeTaskTypes(given),
      leaveOnTime(given),
      makeRoom(given),
      reportParked(given),
      repairBroker(broker),
    ];
  }

  /** Whether it is this one that is at work. */
  get isLeading(): boolean {
    return this.#leadership.isHeld;
  }

  /** Stands by, and does the chores while no other janitor does, until the signal aborts. */
  run(signal: AbortSignal): Promise<void> {
    const given = { figures: this.figures, log: this.#log };
    return this.#leadership.campaign(async (leading) => {
      await Promise.all(this.#chores.map((chore) => keepDoing(chore, given, leading)));
    }, signal);
  }
}

const REPAIR_EVERY_MS = 60_000;

/** What was deleted or changed by hand comes back even when nobody misses it. Done twice, it finds nothing to do. */
function repairBroker(broker: Broker): Chore {
  return { name: "repair", everyMs: REPAIR_EVERY_MS, pass: () => broker.link.repair() };
}
