import { type ConsumerInfo, JetStreamApiCodes } from "@nats-io/jetstream";
import type { QueueSettings } from "#gen/millrace/v1/queue_service_pb.ts";
import { LEVELS } from "#lib/task/priority.ts";
import { ask } from "../link/ask.ts";
import type { Connected, Link } from "../link/link.ts";
import { orUndefined } from "../link/or-undefined.ts";
import { SourceMissing } from "../link/source-missing.ts";
import { queueStream } from "../names.ts";
import { readQueueSettings } from "./read-queue-settings.ts";

/** A queue as the broker counts it. */
export interface QueueFigures {
  /** Tasks that wait for a worker. */
  readonly waiting: number;
  /** Tasks on loan to workers. */
  readonly inFlight: number;
  /** Bytes that its tasks take. */
  readonly bytes: number;
  /** The limits in force. */
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
  const { jsm } = link.use();
  const stream = queueStream(queue);
  const info = await ask(orUndefined(jsm.streams.info(stream), JetStreamApiCodes.StreamNotFound));
  if (!info) throw new SourceMissing({ stream, consumer: "*" });
  const { config, state } = info;
  const [levels, { settings }] = await Promise.all([
    levelsOf(link.use(), queue),
    ask(readQueueSettings(jsm, queue)),
  ]);
  return {
    waiting: sum(levels, (level) => level.num_pending),
    inFlight: sum(levels, (level) => level.num_ack_pending),
    bytes: state.bytes,
    maxTasks: config.max_msgs,
    maxBytes: config.max_bytes,
    totals: {
      enqueued: state.last_seq,
      taken: sum(levels, (level) => level.delivered.consumer_seq),
      settled: state.last_seq - state.messages,
    },
    settings,
    isAsSet: isAsSet(settings, config, levels),
  };
}

function isAsSet(
  { pause, maxTasks, maxBytes }: QueueSettings,
  config: { readonly max_msgs: number; readonly max_bytes: number },
  levels: readonly ConsumerInfo[],
): boolean {
  const paused = pause !== undefined;
  return (
    levels.length === LEVELS.length &&
    levels.every((level) => (level.paused === true) === paused) &&
    Number(maxTasks ?? config.max_msgs) === config.max_msgs &&
    Number(maxBytes ?? config.max_bytes) === config.max_bytes
  );
}

/** How long the oldest task that was not handed out yet has waited; undefined if none waits. By the broker's clock. */
export async function oldestWaitingMs(link: Link, queue: string): Promise<number | undefined> {
  const connected = link.use();
  const levels = await levelsOf(connected, queue);
  const waiting = levels.filter((level) => level.num_pending > 0);
  const ages = await Promise.all(waiting.map((level) => oldestOf(connected, queue, level)));
  const known = ages.filter((age) => age !== undefined);
  return known.length === 0 ? undefined : Math.max(0, ...known);
}

async function oldestOf(
  { jsm }: Connected,
  queue: string,
  { delivered, config, ts }: ConsumerInfo,
): Promise<number | undefined> {
  const query = { seq: delivered.stream_seq + 1, next_by_subj: config.filter_subject ?? ">" };
  const found = await ask(jsm.streams.getMessage(queueStream(queue), query));
  const nowMs = ts === undefined ? Date.now() : Date.parse(ts);
  return found ? nowMs - found.time.getTime() : undefined;
}

function levelsOf({ jsm }: Connected, queue: string): Promise<ConsumerInfo[]> {
  return ask(jsm.consumers.list(queueStream(queue)).next());
}

function sum(levels: readonly ConsumerInfo[], count: (level: ConsumerInfo) => number): number {
  return levels.reduce((total, level) => total + count(level), 0);
}
