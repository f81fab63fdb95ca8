import { TaskUnreadable } from "#lib/task/errors.ts";

/** A few are lost to others who write of the task; as many as this, only to what can't be read. */
const MOST_TURNS = 100;

/** What a turn gives that was not lost, and has nothing to tell. */
export const DONE = Symbol("done");

/**
 * What the turn brings that was not lost to somebody else: each reads how the task stands, and gives undefined if it had
 * gone on before it could be written of.
 */
export async function inTurns<T>(taskId: string, turn: () => Promise<T | undefined>): Promise<T> {
  for (let turns = 0; turns < MOST_TURNS; turns += 1) {
    const done = await turn();
    if (done !== undefined) return done;
  }
  throw new TaskUnreadable(taskId);
}
