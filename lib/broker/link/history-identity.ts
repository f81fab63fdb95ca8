import type { StreamInfo } from "@nats-io/jetstream";

/** The history is another one than before, or an older copy of it. */
export interface Replaced {
  /** Sequence of its newest event. */
  readonly endsAt: number;
  /** Sequence of the newest event that there was when we last looked. */
  readonly seen: number;
}

/** Knows the history again: by when it was made, and by how far it went. */
export class HistoryIdentity {
  #made: string | undefined;
  #seen = 0;
  #replacements = 0;

  /** How often it was replaced. */
  get replacements(): number {
    return this.#replacements;
  }

  /** To be called with each look at the history; says so when it was replaced since the one before. */
  look({ created, state }: Pick<StreamInfo, "created" | "state">): Replaced | undefined {
    const endsAt = state.last_seq;
    const [made, seen] = [this.#made, this.#seen];
    this.#made = created;
    this.#seen = endsAt;
    if (made === undefined || (made === created && endsAt >= seen)) return undefined;
    this.#replacements += 1;
    return { endsAt, seen };
  }
}
