import { setTimeout } from "node:timers/promises";
import type { TaskEvent } from "#gen/millrace/v1/task_pb.ts";
import { checkLedger } from "./ledger.ts";
import { submitPatiently } from "./patient-submit.ts";
import { type Seen, watchPatiently } from "./patient-watch.ts";
import type { Script } from "./scripted-worker/scripted.ts";
import type { Gateway } from "./system.ts";
import { checkRecords } from "./watch-records.ts";

const SETTLED_TOGETHER = 200;

export interface TrafficOptions {
  /** The gateways that there are at the moment. */
  readonly gateways: () => readonly Gateway[];
  readonly random: () => number;
  /** Callers, each with one submit at a time. */
  readonly callers?: number;
  /** How long a caller rests between two submits, in milliseconds. */
  readonly restMs?: number;
}

/** Callers that submit one task after the other while damage is done, and watchers of every fifth task. */
export class Traffic {
  readonly #options: TrafficOptions;
  readonly #ids: string[] = [];
  readonly #watches: Promise<Seen>[] = [];
  readonly #calling: Promise<unknown>;
  #ending = false;

  constructor(options: TrafficOptions) {
    this.#options = options;
    const callers = Array.from({ length: options.callers ?? 4 }, (_, caller) => this.#call(caller));
    this.#calling = Promise.all(callers);
    this.#calling.catch(() => {});
  }

  /** How many tasks have been accepted. */
  get accepted(): number {
    return this.#ids.length;
  }

  /** Ends the submits, waits for every task and the others that were accepted, and holds what was shown and stored to what was promised. */
  async checkAll(
    natsUrl: string,
    others: readonly string[] = [],
  ): Promise<ReadonlyMap<string, TaskEvent[]>> {
    this.#ending = true;
    await this.#calling;
    const ids = [...this.#ids, ...others];
    for (let at = 0; at < ids.length; at += SETTLED_TOGETHER) {
      const some = ids.slice(at, at + SETTLED_TOGETHER);
      await Promise.all(some.map((id) => watchPatiently(this.#options.gateways, id)));
    }
    const log = await checkLedger(natsUrl, ids);
    checkRecords(log, await Promise.all(this.#watches));
    return log;
  }

  async #call(caller: number): Promise<void> {
    for (let count = 0; !this.#ending; count += 1) {
      const taskId = `task-${caller}-${count}`;
      await submitPatiently(this.#options.gateways, taskId, this.#script());
      this.#ids.push(taskId);
      if (this.#ids.length % 5 === 1) this.#watch(taskId);
      await setTimeout(this.#options.restMs ?? 50);
    }
  }

  #watch(taskId: string): void {
    const watch = watchPatiently(this.#options.gateways, taskId);
    watch.catch(() => {});
    this.#watches.push(watch);
  }

  #script(): Script {
    const idleMs = Math.round(this.#options.random() * 600);
    return { steps: 2, idleMs, failures: this.#options.random() < 0.1 ? 1 : 0 };
  }
}
