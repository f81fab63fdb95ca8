import pLimit from "p-limit";
import type { Times } from "#lib/task/times.ts";
import { ask } from "../link/ask.ts";
import { keepRunning } from "../link/keep-running.ts";
import type { BrokerLog, Connected, Link } from "../link/link.ts";
import { readNewest } from "../log/read-batch.ts";
import { ENFORCER, type Limit, type Run } from "../names.ts";
import type { Delivery } from "./delivery.ts";
import { takeNext, takeNow } from "./pull.ts";

const ENFORCED_AT_ONCE = 100;
const LATER_MS = 1_000;
const RESTORED_AT_ONCE = 16;

/** A run, and what it must not outlast. */
export interface LimitedRun {
  readonly run: Run;
  readonly times: Omit<Times, "startMs">;
}

interface LimitOfRun {
  readonly limit: Limit;
  readonly run: Run;
  readonly atMs: number;
}

/** A task has reached a limit, which was set for this time. It may have ended, or been started again, long since. */
export interface Reached {
  readonly taskId: string;
  readonly atMs: number;
}

/** What tasks must not outlast. The broker keeps the time, so that a limit costs us no memory, and no restart forgets it. */
export class TimeLimits {
  readonly #link: Link;
  readonly #log: BrokerLog;

  constructor(link: Link, log: BrokerLog) {
    this.#link = link;
    this.#log = log;
  }

  /** Sets the limits of a run, instead of those that were set for it before. */
  async set(run: Run, times: LimitedRun["times"]): Promise<void> {
    await Promise.all(limitsOf({ run, times }).map((limit) => this.#setOne(limit)));
  }

  /**
   * Sets those limits that are not set, and says how many. They were lost, or have been reached meanwhile: these are
   * reached once more, which ends nothing twice.
   */
  async restore(runs: readonly LimitedRun[]): Promise<number> {
    const limits = runs.flatMap(limitsOf);
    if (limits.length === 0) return 0;
    const connected = this.#link.use();
    const { names } = connected;
    const subjectOf = ({ limit, run }: LimitOfRun) => names.limitSubject(limit, run);
    const found = await readNewest(connected, limits.map(subjectOf), names.scheduleStream);
    const set = new Set(found.map(({ subject }) => subject));
    const lost = limits.filter((limit) => !set.has(subjectOf(limit)));
    await pLimit(RESTORED_AT_ONCE).map(lost, (limit) => this.#setOne(limit));
    return lost.length;
  }

  /** Hands out every limit that is reached, until the signal aborts; again if that fails. Any number of processes may. */
  enforce(onReached: (reached: Reached) => Promise<void>, signal: AbortSignal): Promise<void> {
    return keepRunning(this.#link, {
      name: "enforce time limits",
      log: this.#log,
      signal,
      run: async (connected, until) => {
        while (!until.aborted) {
          const reached = await this.#take(connected, until);
          await Promise.all(reached.map((delivery) => this.#enforceOne(delivery, onReached)));
        }
      },
    });
  }

  async #take(connected: Connected, signal: AbortSignal): Promise<Delivery[]> {
    const source = { stream: connected.names.scheduleStream, consumer: ENFORCER };
    const reached = await takeNow(connected, source, ENFORCED_AT_ONCE);
    return reached.length > 0 ? reached : takeNext(connected, [source], signal);
  }

  async #enforceOne(
    delivery: Delivery,
    onReached: (reached: Reached) => Promise<void>,
  ): Promise<void> {
    const { taskId, data } = delivery;
    try {
      await onReached({ taskId, atMs: Number(new TextDecoder().decode(data)) || 0 });
      delivery.done();
    } catch (error) {
      this.#log.warn({ err: error, taskId }, "time limit can't be enforced yet");
      delivery.putBack(LATER_MS);
    }
  }

  async #setOne({ limit, run, atMs }: LimitOfRun): Promise<void> {
    const { js, names } = this.#link.use();
    const target = names.overdueSubject(limit, run.taskId);
    const schedule = { specification: new Date(atMs), target };
    await ask(js.publish(names.limitSubject(limit, run), String(atMs), { schedule }));
  }
}

function limitsOf({ run, times }: LimitedRun): LimitOfRun[] {
  const { expireMs, deadlineMs } = times;
  const limits: LimitOfRun[] = [];
  if (expireMs !== undefined) limits.push({ limit: "expiry", run, atMs: expireMs });
  if (deadlineMs !== undefined) limits.push({ limit: "deadline", run, atMs: deadlineMs });
  return limits;
}
