import type { Task, TaskEvent, WaitingReason } from "#gen/millrace/v1/task_pb.ts";

/** Why a task waits, as the gateway said last. */
export class WaitingNote {
  #reason: WaitingReason | undefined;
  /** The snapshot knows all up to here; what follows it is history at first. */
  #known = 0n;

  /** Empty: it does not wait, or for nothing that is known. */
  get text(): string {
    return this.#reason?.description ?? "";
  }

  /** True: it waits, and for something else than before. */
  snapshot({ sequence, waitingReason }: Task): boolean {
    this.#known = sequence;
    return this.told(waitingReason);
  }

  /** The same; the words alone are no news, for they count the seconds. */
  told(reason: WaitingReason | undefined): boolean {
    const before = this.#reason;
    this.#reason = reason;
    return reason !== undefined && !(before && isSame(reason, before));
  }

  /** True: the task stands otherwise than at the snapshot. */
  event({ sequence, facet }: TaskEvent): boolean {
    const isNews = facet.case === "state" && sequence > this.#known;
    if (isNews) this.#reason = undefined;
    return isNews;
  }
}

function isSame(one: WaitingReason, other: WaitingReason): boolean {
  return one.reason === other.reason && one.until?.seconds === other.until?.seconds;
}
