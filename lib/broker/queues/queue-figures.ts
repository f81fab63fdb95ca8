import { JetStreamApiCodes } from "@nats-io/jetstream";
import type { QueueSettings } from "#gen/millrace/v1/queue_service_pb.ts";
import { LEVELS } from "#lib/task/priority.ts";
import { ask } from "../link/ask.ts";
import type { Connected, Link } from "../link/link.ts";
import { orUndefined } from "../link/or-undefined.ts";
import { SourceMissing } from "../link/source-missing.ts";
import { type LaneInfo, listLanes } from "./list-lanes.ts";
import { readQueueSettings } from "./read-queue-settings.ts";

export interface QueueDepth {
  /** Tasks that wait for a worker. */
  readonly waiting: number;
  /** Tasks on loan to workers. */
  readonly inFlight: number;
}

/** A queue as the broker counts it. */
export interface QueueFigures extends QueueDepth {
  /** The same of each type of which a task waits or is on loan, by its full name; under "" what has no lane of its type. */
  readonly types: ReadonlyMap<string, QueueDepth>;
  /** Entries that wait and that nobody hands out, for their lane was deleted by hand. They are in none of the types. */
  readonly stranded: number;
  /** Bytes that its tasks take. */
  readonly bytes: number;
  /** The limits in force; maxBytes is 0 where the queue has none. */
  readonly maxTasks: number;
  readonly maxBytes: number;
  readonly totals: QueueTotals;
  /** What operators have set. */
  readonly settings: QueueSettings;
  /** False while the broker does not, or not yet, what operators have set. */
  readonly isAsSet: boolean;
}

/** What has happened to a queue since it was made. Only differences mean something. */
export interface QueueTotals {
  /** Tasks put into it. */
  readonly enqueued: number;
  /** Deliveries to workers. */
  readonly taken: number;
  /** Tasks that left it. */
  readonly settled: number;
}

/** Reads what the broker counts of the queue. Throws SourceMissing when somebody has deleted it by hand. */
export async function readQueueFigures(link: Link, queue: string): Promise<QueueFigures> {
  const connected = link.use();
  const [{ lanes, info, depth, stranded }, { settings }] = await Promise.all([
    countTasks(connected, queue),
    ask(readQueueSettings(connected, queue)),
  ]);
  const { config, state } = info;
  const types = Map.groupBy(lanes, ({ lane }) => lane.type);
  const depths = [...types].map(([type, some]) => [type, depthOf(some)] as const);
  return {
    ...depth,
    types: new Map(depths.filter(([, { waiting, inFlight }]) => waiting + inFlight > 0)),
    stranded,
    bytes: state.bytes,
    maxTasks: config.max_msgs,
    maxBytes: Math.max(0, config.max_bytes),
    totals: {
      enqueued: state.last_seq,
      taken: sum(lanes, ({ counted }) => counted.delivered.consumer_seq),
      settled: state.last_seq - state.messages,
    },
    settings,
    isAsSet: isAsSet(settings, config, lanes),
  };
}

/** How many tasks lie in the queue. Throws SourceMissing when somebody has deleted it by hand. */
export async function readQueueDepth(link: Link, queue: string): Promise<QueueDepth> {
  return (await countTasks(link.use(), queue)).depth;
}

async function countTasks(connected: Connected, queue: string) {
  const stream = connected.names.queueStream(queue);
  const there = <T>(answer: Promise<T>) =>
    ask(orUndefined(answer, JetStreamApiCodes.StreamNotFound));
  // In this order, for what comes between the two answers waits.
  const lanes = await there(listLanes(connected, queue));
  const info = lanes && (await there(connected.jsm.streams.info(stream)));
  if (!info) throw new SourceMissing({ stream, consumer: "*" });
  const { waiting, inFlight } = depthOf(lanes);
  const stranded = Math.max(0, info.state.messages - waiting - inFlight);
  return { lanes, info, stranded, depth: { waiting: waiting + stranded, inFlight } };
}

function isAsSet(
  { pause, maxTasks, maxBytes }: QueueSettings,
  config: { readonly max_msgs: number; readonly max_bytes: number },
  lanes: readonly LaneInfo[],
): boolean {
  const paused = pause !== undefined;
  return (
    lanes.filter(({ lane }) => lane.type === "").length === LEVELS.length &&
    lanes.every(({ counted }) => (counted.paused === true) === paused) &&
    Number(maxTasks ?? config.max_msgs) === config.max_msgs &&
    Number(maxBytes ?? config.max_bytes) === config.max_bytes
  );
}

/**
 * How long the oldest task of each type has waited that was not handed out yet, by the full name of the type; by the
 * broker's clock. Of types that `isLeft` names, what was handed out waits as well. Types of which none waits are left out.
 */
export async function oldestWaitingMs(
  link: Link,
  queue: string,
  isLeft: (type: string) => boolean,
): Promise<ReadonlyMap<string, number>> {
  const connected = link.use();
  const lanes = await ask(listLanes(connected, queue));
  const oldest = new Map<string, number>();
  const look = async ({ lane, counted }: LaneInfo) => {
    const from = isLeft(lane.type) ? 1 : counted.delivered.stream_seq + 1;
    const age = await ageOfFirst(connected, { lane, counted }, from);
    if (age !== undefined) oldest.set(lane.type, Math.max(age, oldest.get(lane.type) ?? 0));
  };
  const busy = lanes.filter(({ lane, counted }) => {
    const { num_pending: waiting, num_ack_pending: inFlight } = counted;
    return waiting > 0 || (inFlight > 0 && isLeft(lane.type));
  });
  await Promise.all(busy.map(look));
  return oldest;
}

async function ageOfFirst(
  { jsm, names }: Connected,
  { lane, counted: { ts } }: LaneInfo,
  from: number,
): Promise<number | undefined> {
  const query = { seq: from, next_by_subj: names.laneSubject(lane, "*") };
  const found = await ask(jsm.streams.getMessage(names.queueStream(lane.queue), query));
  const nowMs = ts === undefined ? Date.now() : Date.parse(ts);
  return found ? nowMs - found.time.getTime() : undefined;
}

function depthOf(lanes: readonly LaneInfo[]): QueueDepth {
  return {
    waiting: sum(lanes, ({ counted }) => counted.num_pending),
    inFlight: sum(lanes, ({ counted }) => counted.num_ack_pending),
  };
}

function sum(lanes: readonly LaneInfo[], count: (lane: LaneInfo) => number): number {
  return lanes.reduce((total, lane) => total + count(lane), 0);
}
