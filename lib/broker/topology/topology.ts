import {
  AckPolicy,
  type ConsumerConfig,
  DiscardPolicy,
  RetentionPolicy,
  StorageType,
  type StreamConfig,
} from "@nats-io/jetstream";
import { nanos } from "@nats-io/nats-core";
import type { QueueSettings } from "#gen/millrace/v1/queue_service_pb.ts";
import { LEVELS } from "#lib/task/priority.ts";
import { ENFORCER, type Lane, laneToken, MOVER, type Names } from "../names.ts";

/** What an operator decides about the streams. */
export interface TopologyOptions {
  readonly queues: readonly string[];
  readonly queueMaxTasks: number;
  /** Undefined: what waits is bounded by the history, which has the spec of each task, and no queue reserves anything. */
  readonly queueMaxBytes: number | undefined;
  readonly historyMaxBytes: number;
  readonly historyMs: number;
  readonly replicas: number;
}

/** The same, for one environment. */
interface Planned extends TopologyOptions {
  readonly names: Names;
}

export type StreamPlan = {
  readonly config: Partial<StreamConfig> & { name: string; subjects: string[] };
  readonly consumers: readonly (Partial<ConsumerConfig> & { durable_name: string })[];
  /** Whether the consumers hand out nothing for now. Not set: that is nobody's to decide. */
  readonly paused?: boolean;
  /** Asked before a consumer that is paused is resumed: it may have been paused since `paused` was read. */
  readonly mayResume?: () => Promise<boolean>;
};

/** A delivery that its holder does not extend for this long is handed to another worker. */
const ACK_WAIT_MS = 8_000;

/** A stalled queue must not hide behind the default of 512 pulls that may wait at once. */
const MAX_WAITING_PULLS = 4_096;
const MAX_IN_FLIGHT = 10_000;

/** A consumer that any number of processes pull from. */
function puller(name: string, filter: string): StreamPlan["consumers"][number] {
  return {
    durable_name: name,
    filter_subject: filter,
    ack_policy: AckPolicy.Explicit,
    ack_wait: nanos(ACK_WAIT_MS),
    max_ack_pending: MAX_IN_FLIGHT,
    max_waiting: MAX_WAITING_PULLS,
  };
}

/**
 * The history of all tasks. A full log refuses new events (discard new) rather than forget old ones: a submit that
 * can't be written is refused, an outcome that can't be written is repeated.
 */
function eventsPlan({ names, historyMaxBytes, historyMs, replicas }: Planned): StreamPlan {
  return {
    config: {
      name: names.eventsStream,
      subjects: [names.allEvents],
      retention: RetentionPolicy.Limits,
      storage: StorageType.File,
      discard: DiscardPolicy.New,
      max_bytes: historyMaxBytes,
      max_age: nanos(historyMs),
      num_replicas: replicas,
      allow_direct: true,
    },
    consumers: [],
  };
}

/**
 * One message per task: a second enqueue of the same task is refused, which is what we want of it. What operators have
 * set for the queue comes before what is configured. A limit below what lies in it drops nothing (discard new).
 */
export function queuePlan(
  queue: string,
  options: Planned,
  { pause, maxTasks, maxBytes }: QueueSettings,
): StreamPlan {
  const { names } = options;
  return {
    paused: pause !== undefined,
    config: {
      name: names.queueStream(queue),
      subjects: [names.wholeQueueSubject(queue)],
      retention: RetentionPolicy.Workqueue,
      storage: StorageType.File,
      discard: DiscardPolicy.New,
      discard_new_per_subject: true,
      max_msgs_per_subject: 1,
      max_msgs: Number(maxTasks ?? options.queueMaxTasks),
      ...bytesLimit(maxBytes ?? options.queueMaxBytes),
      num_replicas: options.replicas,
      // So that many tasks can be looked for by one request.
      allow_direct: true,
    },
    consumers: UNTYPED.map((lane) => lanePuller(names, { queue, ...lane })),
  };
}

/** nats-server keeps that many bytes of its storage for the stream, and refuses streams for which it has none left. */
function bytesLimit(bytes: bigint | number | undefined): { readonly max_bytes?: number } {
  return bytes === undefined ? {} : { max_bytes: Number(bytes) };
}

/** The lanes that every queue has. Those of single types are made when their first task comes. */
const UNTYPED = LEVELS.map(({ token }) => ({ level: token, type: "" }));

/** What hands out the tasks of a lane. */
export function lanePuller(names: Names, lane: Lane): StreamPlan["consumers"][number] {
  return puller(laneToken(lane), names.laneSubject(lane, "*"));
}

/** Schedules can't be combined with discard new, hence a stream of their own. Moved tasks leave it when acknowledged. */
function schedulePlan({ names, replicas }: Planned): StreamPlan {
  return {
    config: {
      name: names.scheduleStream,
      subjects: [...names.scheduleSubjects],
      retention: RetentionPolicy.Workqueue,
      storage: StorageType.File,
      discard: DiscardPolicy.Old,
      num_replicas: replicas,
      allow_direct: true,
      allow_msg_schedules: true,
      allow_rollup_hdrs: true,
    },
    consumers: [
      puller(MOVER, names.allDue),
      // One for all limits: which of a task's was reached is decided by its history.
      puller(ENFORCER, names.allOverdue),
    ],
  };
}

const PARKED_MAX_MESSAGES = 10_000;
const PARKED_MAX_BYTES = 16 * 1024 * 1024;

/** What could not be read. Bounded, the oldest goes first: garbage must not be able to fill the disk. */
function parkedPlan({ names, replicas }: Planned): StreamPlan {
  return {
    config: {
      name: names.parkedStream,
      subjects: [names.allParked],
      retention: RetentionPolicy.Limits,
      storage: StorageType.File,
      discard: DiscardPolicy.Old,
      max_msgs: PARKED_MAX_MESSAGES,
      max_bytes: PARKED_MAX_BYTES,
      num_replicas: replicas,
    },
    consumers: [],
  };
}

/** The streams that there are in any case. What the queues need, depends on their settings besides. */
export function commonPlans(options: Planned): readonly StreamPlan[] {
  return [eventsPlan(options), schedulePlan(options), parkedPlan(options)];
}
