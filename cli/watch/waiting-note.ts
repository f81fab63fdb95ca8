import type { Task, TaskEvent, WaitingReason } from "#gen/millrace/v1/task_pb.ts";

/** Why a task waits, as the gateway said last. */
export class WaitingNote {
  #text = "";
  /** The snapshot knows all up to here; what follows it is history at first. */
  #known = 0n;

  /** Empty: it does not wait, or for nothing that is known. */
  get text(): string {
    return this.#text;
  }

  snapshot({ sequence, waitingReason }: Task): void {
    this.#known = sequence;
    this.told(waitingReason);
  }

  told(reason: WaitingReason | undefined): void {
    this.#text = reason?.description ?? "";
  }

  event({ sequence, facet }: TaskEvent): void {
    if (facet.case === "state" && sequence > this.#known) this.#text = "";
  }
}
