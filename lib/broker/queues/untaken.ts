import type { ConsumerInfo } from "@nats-io/jetstream";
import { LEVELS, type LevelToken } from "#lib/task/priority.ts";
import { ask } from "../link/ask.ts";
import type { Connected, Link } from "../link/link.ts";
import { queueStream, queueSubject, taskIdOf } from "../names.ts";

/** A task that no worker was given yet. */
interface UntakenTask {
  readonly level: LevelToken;
  readonly taskId: string;
  /** Its place in the queue. */
  readonly sequence: number;
}

/** What of a queue no worker was given yet. */
export interface Untaken {
  readonly count: number;
  /** The oldest one of each level that has any. */
  readonly oldest: readonly UntakenTask[];
}

const NONE: Untaken = { count: 0, oldest: [] };

/**
 * Read from the queue itself: what the broker counts as waiting is what it means to hand out, and a setting that was
 * changed may have it overlook some. None while a level is paused.
 */
export async function readUntaken(link: Link, queue: string): Promise<Untaken> {
  const connected = link.use();
  const { state } = await ask(connected.jsm.streams.info(queueStream(queue)));
  if (state.messages === 0) return NONE;
  const levels = await ask(connected.jsm.consumers.list(queueStream(queue)).next());
  if (levels.some(({ paused }) => paused)) return NONE;
  const oldest = await Promise.all(
    LEVELS.map(({ token }) => oldestOf(connected, queue, { token, level: levelOf(levels, token) })),
  );
  const inFlight = levels.reduce((sum, { num_ack_pending }) => sum + num_ack_pending, 0);
  return {
    count: Math.max(0, state.messages - inFlight),
    oldest: oldest.filter((each) => each !== undefined),
  };
}

function levelOf(levels: readonly ConsumerInfo[], token: LevelToken): ConsumerInfo | undefined {
  return levels.find(({ name }) => name === token);
}

/** Tasks are handed out in their order, so whatever lies behind the last one that was is untaken. */
async function oldestOf(
  { jsm }: Connected,
  queue: string,
  { token, level }: { token: LevelToken; level: ConsumerInfo | undefined },
): Promise<UntakenTask | undefined> {
  const query = {
    seq: (level?.delivered.stream_seq ?? 0) + 1,
    next_by_subj: queueSubject(queue, token, "*"),
  };
  const found = await ask(jsm.streams.getMessage(queueStream(queue), query));
  return found ? { level: token, taskId: taskIdOf(found.subject), sequence: found.seq } : undefined;
}
