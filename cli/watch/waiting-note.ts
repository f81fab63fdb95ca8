import {
  type Task,
  type TaskEvent,
  type WaitingReason,
  WaitingReason_Reason,
} from "#gen/millrace/v1/task_pb.ts";
import { typeNameOf } from "#lib/task/task-type.ts";
import { shownName, type TaskTypes } from "../task-types/task-types.ts";

/** Why a task waits, as the gateway said last. */
export class WaitingNote {
  /** Given where there is little room: what is called by its alias. */
  readonly #types: TaskTypes | undefined;
  #typeName = "";
  #reason: WaitingReason | undefined;
  /** The snapshot knows all up to here; what follows it is history at first. */
  #known = 0n;

  constructor(types?: TaskTypes) {
    this.#types = types;
  }

  /** Empty: it does not wait, or for nothing that is known. */
  get text(): string {
    const { reason, description = "" } = this.#reason ?? {};
    if (!this.#types || reason !== WaitingReason_Reason.NO_WORKER) return description;
    const shown = shownName(this.#typeName, this.#types);
    return description.replace(this.#typeName, () => shown);
  }

  /** True: it waits, and for something else than before. */
  snapshot({ sequence, spec, waitingReason }: Task): boolean {
    this.#typeName = typeNameOf(spec?.input);
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
