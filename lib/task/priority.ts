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
 * Deals turns out to the levels: smooth weighted round robin, so that while all have work the shares of any 15 turns are
 * 8:4:2:1, and no level waits for more than 15.
 */
export class LevelTurns {
  readonly #levels = LEVELS.map(({ token, weight }) => ({ token, weight, credit: 0 }));

  /** Whose turn it is among the levels that have work; undefined if none has any. */
  next(withWork: ReadonlySet<LevelToken>): LevelToken | undefined {
    const levels = this.#levels.filter(({ token }) => withWork.has(token));
    const [first, ...others] = levels;
    if (!first) return undefined;
    for (const level of levels) level.credit += level.weight;
    const richest = others.reduce((best, each) => (each.credit > best.credit ? each : best), first);
    richest.credit -= levels.reduce((sum, { weight }) => sum + weight, 0);
    return richest.token;
  }
}
