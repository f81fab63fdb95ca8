import { ask } from "../link/ask.ts";
import type { Connected, Link } from "../link/link.ts";
import { type Lane, laneToken, taskIdOf } from "../names.ts";
import { type LaneInfo, listLanes } from "./list-lanes.ts";

/** A task that no worker was given yet. */
interface UntakenTask {
  /** The lane that it waits in. */
  readonly lane: string;
  readonly taskId: string;
  /** Its place in the queue. */
  readonly sequence: number;
}

/** What of a queue no worker was given yet. */
export interface Untaken {
  readonly count: number;
  /** The oldest one of each lane that has any. */
  readonly oldest: readonly UntakenTask[];
}

const NONE: Untaken = { count: 0, oldest: [] };

/**
 * Read from the queue itself: what the broker counts as waiting is what it means to hand out, and a setting that was
 * changed may have it overlook some. None while a lane is paused. Only of the lanes that are served.
 */
export async function readUntaken(
  link: Link,
  queue: string,
  isServed: (lane: Lane) => boolean,
): Promise<Untaken> {
  const connected = link.use();
  const { state } = await ask(connected.jsm.streams.info(connected.names.queueStream(queue)));
  if (state.messages === 0) return NONE;
  const lanes = await ask(listLanes(connected, queue));
  if (lanes.some(({ counted }) => counted.paused)) return NONE;
  const served = lanes.filter(({ lane }) => isServed(lane));
  const oldest = await Promise.all(served.map((each) => oldestOf(connected, each)));
  const others = lanes.filter(({ lane }) => !isServed(lane));
  const notOurs = others.reduce((sum, { counted }) => sum + counted.num_pending, 0);
  const inFlight = lanes.reduce((sum, { counted }) => sum + counted.num_ack_pending, 0);
  return {
    count: Math.max(0, state.messages - inFlight - notOurs),
    oldest: oldest.filter((each) => each !== undefined),
  };
}

/** Tasks are handed out in their order, so whatever lies behind the last one that was is untaken. */
async function oldestOf(
  { jsm, names }: Connected,
  { lane, counted }: LaneInfo,
): Promise<UntakenTask | undefined> {
  const subject = names.laneSubject(lane, "*");
  const query = { seq: counted.delivered.stream_seq + 1, next_by_subj: subject };
  const found = await ask(jsm.streams.getMessage(names.queueStream(lane.queue), query));
  if (!found) return undefined;
  return { lane: laneToken(lane), taskId: taskIdOf(found.subject), sequence: found.seq };
}
