import { headers } from "@nats-io/nats-core";
import { onAbort } from "#lib/async/abort.ts";
import { keepRunning } from "../link/keep-running.ts";
import type { BrokerLog, Link } from "../link/link.ts";
import { taskIdOf } from "../names.ts";

/** Which attempts of a run have nothing left to do. */
export interface CancelHint {
  readonly taskId: string;
  /** The run; undefined: of a release that does not say so. */
  readonly epoch: number | undefined;
  /** The newest attempt that goes on; all older ones are to stop. Infinity: all of them are. */
  readonly newest: number;
}

const EPOCH = "Millrace-Epoch";

interface CancelListener {
  onCancel(hint: CancelHint): void;
  onFollowing(): void;
}

/**
 * Tells workers at once that a task was canceled, or that a newer attempt has taken over. Only a hint: what decides is
 * the log, which refuses whatever those attempts still write.
 */
export class Cancels {
  readonly #link: Link;
  readonly #log: BrokerLog;

  constructor(link: Link, log: BrokerLog) {
    this.#link = link;
    this.#log = log;
  }

  async tell({ taskId, epoch, newest }: CancelHint): Promise<void> {
    const payload = Number.isFinite(newest) ? String(newest) : "";
    const run = headers();
    if (epoch !== undefined) run.set(EPOCH, String(epoch));
    const { nc, names } = this.#link.use();
    nc.publish(names.cancelSubject(taskId), payload, { headers: run });
  }

  /**
   * Calls back with every hint, until the signal aborts. Hints are missed while the broker is away; `onFollowing` is
   * called whenever none is missed from then on.
   */
  follow({ onCancel, onFollowing }: CancelListener, signal: AbortSignal): Promise<void> {
    return keepRunning(this.#link, {
      name: "follow cancels",
      log: this.#log,
      signal,
      run: async ({ nc, names }, until) => {
        const hints = nc.subscribe(names.cancelSubject("*"));
        using _ = onAbort(until, () => hints.unsubscribe());
        await nc.flush();
        onFollowing();
        for await (const hint of hints) {
          const newest = Number(hint.string() || Number.POSITIVE_INFINITY);
          const epoch = Number(hint.headers?.get(EPOCH)) || undefined;
          onCancel({ taskId: taskIdOf(hint.subject), epoch, newest });
        }
      },
    });
  }
}
