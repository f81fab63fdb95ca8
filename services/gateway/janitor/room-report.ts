import type { BrokerLog } from "#lib/broker/link/link.ts";
import type { LogUsage } from "#lib/broker/log/log-space.ts";
import { fillLevelOf, shareTaken } from "#lib/task/retention.ts";

/** What goes on is told again once in as long. */
const AGAIN_MS = 10 * 60_000;

/** Tells of a log that fills up, before tasks leave it, when they do, and when none can. */
export class RoomReport {
  readonly #log: BrokerLog;
  readonly #now: () => number;
  readonly #toldMs = new Map<string, number>();
  #left = 0;

  constructor(log: BrokerLog, now: () => number = () => performance.now()) {
    this.#log = log;
    this.#now = now;
  }

  usage(usage: LogUsage | undefined): void {
    if (!usage || fillLevelOf(usage) === "roomy") return;
    const fields = figuresOf(usage);
    const what =
      "the log of tasks fills up: above 80 % of its room, the oldest tasks that have ended leave before their time";
    this.#tell("filling", () => this.#log.warn(fields, what));
  }

  /** So many tasks have left. */
  made(usage: LogUsage | undefined, tasks: number): void {
    if (!usage) return;
    this.#left += tasks;
    const fields = { ...figuresOf(usage), tasks: this.#left };
    const left = "tasks that have ended left the log before their time, for it was nearly full";
    if (this.#left > 0) {
      const isTold = this.#tell("left", () => this.#log.warn(fields, left));
      if (isTold) this.#left = 0;
    }
    if (fillLevelOf(usage) !== "nearly full") return;
    const full =
      "the log of tasks is nearly full, and none of its tasks has ended; when it is full, submits are refused";
    this.#tell("full", () => this.#log.error(fields, full));
  }

  #tell(what: string, tell: () => void): boolean {
    const nowMs = this.#now();
    if (nowMs - (this.#toldMs.get(what) ?? Number.NEGATIVE_INFINITY) < AGAIN_MS) return false;
    this.#toldMs.set(what, nowMs);
    tell();
    return true;
  }
}

function figuresOf(usage: LogUsage) {
  const { bytes, maxBytes, events, oldestMs, nowMs } = usage;
  const oldestAgeSeconds = oldestMs === undefined ? 0 : Math.round((nowMs - oldestMs) / 1_000);
  return { share: Number(shareTaken(usage).toFixed(3)), bytes, maxBytes, events, oldestAgeSeconds };
}
