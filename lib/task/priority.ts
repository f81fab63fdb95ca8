import { Priority } from "#gen/millrace/v1/task_pb.ts";

/** The levels of a queue, the most urgent first, with the share of the slots that each gets while all have work. */
export const LEVELS = [
  { priority: Priority.URGENT, token: "p0", weight: 8 },
  { priority: Priority.HIGH, token: "p1", weight: 4 },
  { priority: Priority.NORMAL, token: "p2", weight: 2 },
  { priority: Priority.LOW, token: "p3", weight: 1 },
] as const;

export type LevelToken = (typeof LEVELS)[number]["token"];

export function levelOf(priority: Priority): LevelToken {
  return LEVELS.find((level) => level.priority === priority)?.token ?? "p2";
}

/**
 * Deals free slots out to the levels: smooth weighted round robin, so that over any 15 slots the shares are 8:4:2:1
 * and no level waits for more than 15.
 */
export class SlotDealer {
  readonly #levels = LEVELS.map(({ token, weight }) => ({ token, weight, credit: 0 }));

  /** How many of the slots each level gets; in all, exactly `slots`. */
  deal(slots: number): ReadonlyMap<LevelToken, number> {
    const dealt = new Map<LevelToken, number>();
    for (let slot = 0; slot < slots; slot += 1) {
      const token = this.#next();
      dealt.set(token, (dealt.get(token) ?? 0) + 1);
    }
    return dealt;
  }

  #next(): LevelToken {
    for (const level of this.#levels) level.credit += level.weight;
    const richest = this.#levels.reduce((best, level) =>
      level.credit > best.credit ? level : best,
    );
    richest.credit -= TOTAL_WEIGHT;
    return richest.token;
  }
}

const TOTAL_WEIGHT = LEVELS.reduce((sum, { weight }) => sum + weight, 0);
