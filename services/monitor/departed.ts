import type { Departure } from "#lib/broker/processes/departures.ts";
import type { Figures } from "./fold/figures.ts";

/**
 * Tasks that have left the log, until their last events were read: they are told on another way than the log, and may be
 * told before that.
 */
export class Departed {
  #waiting: Departure[] = [];
  #toldAny = false;
  #hasGap = false;

  /** Whether departures may have been missed, so that the log has to be read anew to know; once for each time. */
  takeGap(): boolean {
    const had = this.#hasGap;
    this.#hasGap = false;
    return had;
  }

  onLeft(departure: Departure): void {
    this.#toldAny = true;
    this.#waiting.push(departure);
  }

  /** Where no task has left before its time, probably none has meanwhile. */
  onFollowing(): void {
    this.#hasGap = this.#toldAny;
  }

  /** Takes those out whose last events are among the figures. */
  apply(figures: Figures): void {
    if (this.#waiting.length === 0) return;
    const isRead = ({ sequence }: Departure) => sequence <= Number(figures.sequence);
    for (const { taskIds, sequences, sequence } of this.#waiting.filter(isRead)) {
      for (const [index, taskId] of taskIds.entries()) {
        figures.left(taskId, sequences?.[index] ?? sequence);
      }
    }
    this.#waiting = this.#waiting.filter((departure) => !isRead(departure));
  }
}
