import type { Broker } from "#lib/broker/broker.ts";
import type { BrokerLog } from "#lib/broker/link/link.ts";
import type { ParkedDepth } from "#lib/broker/queues/parked.ts";
import type { Chore } from "./chore.ts";
import type { JanitorFigures } from "./figures.ts";

const EVERY_MS = 10_000;
/** What was put aside and stays there for longer is told again, once in as long. */
const STALE_MS = 3_600_000;

interface ReportOptions {
  readonly broker: Broker;
  readonly log: BrokerLog;
  readonly figures: JanitorFigures;
  readonly now?: () => number;
}

/** Tells of messages that were put aside because they are no tasks. It only looks: when two do, both tell. */
export function reportParked({ broker, log, figures, now = Date.now }: ReportOptions): Chore {
  const report = new ParkedReport(log);
  return {
    name: "parked",
    everyMs: EVERY_MS,
    async pass() {
      figures.parked = await broker.parked.depth();
      report.tell(figures.parked, now());
    },
  };
}

class ParkedReport {
  readonly #log: BrokerLog;
  #known = 0;
  #toldStaleMs = Number.NEGATIVE_INFINITY;

  constructor(log: BrokerLog) {
    this.#log = log;
  }

  tell({ count, oldestTime }: ParkedDepth, nowMs: number): void {
    if (count > this.#known) {
      this.#log.warn({ count }, "messages that are no tasks were put aside");
    }
    this.#known = count;
    const oldestAgeMs = oldestTime ? nowMs - oldestTime.getTime() : 0;
    if (oldestAgeMs <= STALE_MS || nowMs - this.#toldStaleMs <= STALE_MS) return;
    this.#toldStaleMs = nowMs;
    this.#log.warn({ count, oldestAgeMs }, "messages that were put aside are still there");
  }
}
