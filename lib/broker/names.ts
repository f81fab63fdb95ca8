import { LEVELS, type LevelToken } from "#lib/task/priority.ts";

/** Everything that Millrace keeps in NATS, by name. Operators see these names in `nats stream ls`. */
export const EVENTS_STREAM = "MR_EVENTS";
export const SCHEDULE_STREAM = "MR_SCHEDULE";
export const PARKED_STREAM = "MR_PARKED";
export const CONFIG_BUCKET = "mr_config";
export const WORKERS_BUCKET = "mr_workers";
/** Who does what only one process should do; entries vanish when they are not renewed. */
export const LEASES_BUCKET = "mr_leases";
/** How far the janitor's chores have come in the log. */
export const CURSORS_BUCKET = "mr_cursors";

/** Durable consumer that moves due tasks to their queues; every gateway pulls it. */
export const MOVER = "mover";

/** Durable consumer of the limits that were reached; every gateway pulls it. */
export const ENFORCER = "enforcer";

/** A task's way from its submit, or from a restart, to its end. */
export interface Run {
  readonly taskId: string;
  /** Sequence of the event that began it. */
  readonly epoch: number;
}

export type Facet = "spec" | "state" | "progress" | "output" | "log" | "checkpoint";

export const ALL_EVENTS = "mr.task.*.*";

/** Part of the log, yet no task's: what is written here only shows that the log can be written. */
export const WRITE_PROBE = "mr.task.$probe.write";

export function eventSubject(taskId: string, facet: Facet): string {
  return `mr.task.${taskId}.${facet}`;
}

/** All facets of one task. */
export function historySubject(taskId: string): string {
  return `mr.task.${taskId}.>`;
}

/** Whatever waits, in whichever queue. */
export const ALL_QUEUES = "mr.queue.>";
const QUEUE_STREAM_PREFIX = "MR_QUEUE_";

export function queueStream(queue: string): string {
  return QUEUE_STREAM_PREFIX + queue;
}

/** Undefined: it is no queue's. */
export function queueOfStream(stream: string): string | undefined {
  const isQueue = stream.startsWith(QUEUE_STREAM_PREFIX);
  return isQueue ? stream.slice(QUEUE_STREAM_PREFIX.length) : undefined;
}

/** The tasks of one type and one priority in a queue. */
export interface Lane {
  readonly queue: string;
  readonly level: LevelToken;
  /**
   * Full name of their type. Empty: of whatever type, as releases before this one queued them, and for names that don't
   * fit into a subject.
   */
  readonly type: string;
}

/** What JetStream leaves of its 255 characters for the name of a consumer. */
const MAX_TYPE_LENGTH = 200;

/** The lane for tasks of a type. */
export function laneFor(queue: string, level: LevelToken, type: string): Lane {
  const fits = /^[\w.]+$/.test(type) && type.length <= MAX_TYPE_LENGTH;
  return { queue, level, type: fits ? type : "" };
}

/** The lane as one token of a subject, which also names its consumer. Names of types have dots, and no hyphens. */
export function laneToken({ level, type }: Omit<Lane, "queue">): string {
  return type === "" ? level : `${level}+${type.replaceAll(".", "-")}`;
}

/** The lane that a consumer serves; undefined for a consumer that is none of ours. */
export function laneOf(queue: string, token: string): Lane | undefined {
  const [name, type = "", ...more] = token.split("+");
  const level = LEVELS.find((each) => each.token === name)?.token;
  if (!level || more.length > 0) return undefined;
  const lane = { queue, level, type: type.replaceAll("-", ".") };
  return laneToken(lane) === token ? lane : undefined;
}

export function laneSubject(lane: Lane, taskId: string): string {
  return `mr.queue.${lane.queue}.${laneToken(lane)}.${taskId}`;
}

/** Everything that waits in a queue. */
export function wholeQueueSubject(queue: string): string {
  return `mr.queue.${queue}.*.*`;
}

/** The lane of an entry; undefined if its subject is none of ours. */
export function laneOfSubject(subject: string): Lane | undefined {
  const [, , queue = "", token = ""] = subject.split(".");
  return laneOf(queue, token);
}

/** Where is told that a queue has a new lane. */
export function newLaneSubject(queue: string): string {
  return `mr.control.lane.${queue}`;
}

/** Where is told that an accepted task found no room in a queue. */
export function roomWantedSubject(queue: string): string {
  return `mr.control.room.${queue}`;
}

/** What operators have set for a queue, as a message of the bucket's stream. */
export const CONFIG_STREAM = `KV_${CONFIG_BUCKET}`;

export function queueSettingsSubject(queue: string): string {
  return `$KV.${CONFIG_BUCKET}.queue.${queue}`;
}

export const ALL_PARKED = "mr.parked.>";
const PARKED_PREFIX = "mr.parked.";

/** Where a message is put aside that was found at the subject. */
export function parkedSubject(foundAt: string): string {
  return PARKED_PREFIX + foundAt;
}

/** The subject that a parked message was found at. */
export function foundAtOf(parked: string): string {
  return parked.slice(PARKED_PREFIX.length);
}

/** Of a run of the task, so that none plans for another. */
export function scheduleSubject({ taskId, epoch }: Run): string {
  return `mr.schedule.${taskId}:${epoch}`;
}

/** Where releases before this one planned, for whatever run of the task. */
export function oldScheduleSubject(taskId: string): string {
  return `mr.schedule.${taskId}`;
}

export function dueSubject(queue: string, level: LevelToken, taskId: string): string {
  return `mr.due.${queue}.${level}.${taskId}`;
}

/** What of a task's times may be outlasted. */
export type Limit = "expiry" | "deadline";

/** Of a run of the task, so that none takes the limit of another away. */
export function limitSubject(limit: Limit, { taskId, epoch }: Run): string {
  return `mr.limit.${limit}.${taskId}:${epoch}`;
}

export function overdueSubject(limit: Limit, taskId: string): string {
  return `mr.overdue.${limit}.${taskId}`;
}

export function cancelSubject(taskId: string): string {
  return `mr.control.cancel.${taskId}`;
}

/** Tells which tasks leave the log. */
export const DEPARTURES = "mr.control.left";

/** Whichever facet comes next. */
export function anyEventSubject(taskId: string): string {
  return `mr.task.${taskId}.*`;
}

/** The task that an event, a queue entry or a cancel is about: the last token of most subjects, the third of events. */
export function taskIdOf(subject: string): string {
  const tokens = subject.split(".");
  return (subject.startsWith("mr.task.") ? tokens[2] : tokens.at(-1)) ?? "";
}

/** The queue that an entry lies in, or is due for. */
export function queueOf(subject: string): string {
  return subject.split(".")[2] ?? "";
}
