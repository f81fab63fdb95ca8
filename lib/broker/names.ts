import { LEVELS, type LevelToken } from "#lib/task/priority.ts";

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

/** What of a task's times may be outlasted. */
export type Limit = "expiry" | "deadline";

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

const ANY_LOG = /^MR(?:-(?<namespace>.+))?_EVENTS$/;

/** The namespace whose log the stream is, empty for the one without a name; undefined: it is no log. */
export function namespaceOfLog(stream: string): string | undefined {
  const found = ANY_LOG.exec(stream);
  return found ? (found.groups?.["namespace"] ?? "") : undefined;
}

/**
 * Everything that Millrace keeps in NATS, by name. Operators see these names in `nats stream ls`. Those of two namespaces
 * have nothing in common, so that several environments can share an account.
 */
export class Names {
  /** The log. */
  readonly eventsStream: string;
  readonly scheduleStream: string;
  readonly parkedStream: string;
  readonly configBucket: string;
  /** The bucket as a stream. */
  readonly configStream: string;
  readonly workersBucket: string;
  /** Who does what only one process should do; entries vanish when they are not renewed. */
  readonly leasesBucket: string;
  /** How far the janitor's chores have come in the log. */
  readonly cursorsBucket: string;
  readonly allEvents: string;
  /** Part of the log, yet no task's: what is written here only shows that the log can be written. */
  readonly writeProbe: string;
  /** Whatever waits, in whichever queue. */
  readonly allQueues: string;
  readonly allParked: string;
  /** Everything that waits for a time, or whose time has come. */
  readonly scheduleSubjects: readonly string[];
  readonly allDue: string;
  readonly allOverdue: string;
  /** Tells which tasks leave the log. */
  readonly departures: string;
  /** First token of every subject. */
  readonly #root: string;
  readonly #queueStreamPrefix: string;

  /** Without a namespace, the names are those that releases before this one had. */
  constructor(namespace = "") {
    const suffix = namespace === "" ? "" : `-${namespace}`;
    const stream = `MR${suffix}_`;
    const bucket = `mr${suffix}_`;
    const root = `mr${suffix}`;
    this.#root = root;
    this.eventsStream = `${stream}EVENTS`;
    this.scheduleStream = `${stream}SCHEDULE`;
    this.parkedStream = `${stream}PARKED`;
    this.#queueStreamPrefix = `${stream}QUEUE_`;
    this.configBucket = `${bucket}config`;
    this.configStream = `KV_${this.configBucket}`;
    this.workersBucket = `${bucket}workers`;
    this.leasesBucket = `${bucket}leases`;
    this.cursorsBucket = `${bucket}cursors`;
    this.allEvents = `${root}.task.*.*`;
    this.writeProbe = `${root}.task.$probe.write`;
    this.allQueues = `${root}.queue.>`;
    this.allParked = `${root}.parked.>`;
    this.allDue = `${root}.due.*.*.*`;
    this.allOverdue = `${root}.overdue.*.*`;
    this.scheduleSubjects = [
      `${root}.schedule.*`,
      this.allDue,
      `${root}.limit.*.*`,
      this.allOverdue,
    ];
    this.departures = `${root}.control.left`;
  }

  eventSubject(taskId: string, facet: Facet): string {
    return `${this.#root}.task.${taskId}.${facet}`;
  }

  /** All facets of one task. */
  historySubject(taskId: string): string {
    return `${this.#root}.task.${taskId}.>`;
  }

  /** Whichever facet comes next. */
  anyEventSubject(taskId: string): string {
    return `${this.#root}.task.${taskId}.*`;
  }

  queueStream(queue: string): string {
    return this.#queueStreamPrefix + queue;
  }

  /** Undefined: it is no queue's. */
  queueOfStream(stream: string): string | undefined {
    const prefix = this.#queueStreamPrefix;
    return stream.startsWith(prefix) ? stream.slice(prefix.length) : undefined;
  }

  laneSubject(lane: Lane, taskId: string): string {
    return `${this.#root}.queue.${lane.queue}.${laneToken(lane)}.${taskId}`;
  }

  /** Everything that waits in a queue. */
  wholeQueueSubject(queue: string): string {
    return `${this.#root}.queue.${queue}.*.*`;
  }

  /** Where is told that a queue has a new lane. */
  newLaneSubject(queue: string): string {
    return `${this.#root}.control.lane.${queue}`;
  }

  /** Where is told that an accepted task found no room in a queue. */
  roomWantedSubject(queue: string): string {
    return `${this.#root}.control.room.${queue}`;
  }

  /** What operators have set for a queue, as a message of the bucket's stream. */
  queueSettingsSubject(queue: string): string {
    return `$KV.${this.configBucket}.queue.${queue}`;
  }

  /** Where a message is put aside that was found at the subject. */
  parkedSubject(foundAt: string): string {
    return `${this.#root}.parked.${foundAt}`;
  }

  /** Of a run of the task, so that none plans for another. */
  scheduleSubject({ taskId, epoch }: Run): string {
    return `${this.#root}.schedule.${taskId}:${epoch}`;
  }

  /** Where releases before this one planned, for whatever run of the task. */
  oldScheduleSubject(taskId: string): string {
    return `${this.#root}.schedule.${taskId}`;
  }

  dueSubject(queue: string, level: LevelToken, taskId: string): string {
    return `${this.#root}.due.${queue}.${level}.${taskId}`;
  }

  /** Of a run of the task, so that none takes the limit of another away. */
  limitSubject(limit: Limit, { taskId, epoch }: Run): string {
    return `${this.#root}.limit.${limit}.${taskId}:${epoch}`;
  }

  overdueSubject(limit: Limit, taskId: string): string {
    return `${this.#root}.overdue.${limit}.${taskId}`;
  }

  cancelSubject(taskId: string): string {
    return `${this.#root}.control.cancel.${taskId}`;
  }
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

/** The lane of an entry; undefined if its subject is none of ours. */
export function laneOfSubject(subject: string): Lane | undefined {
  const [, , queue = "", token = ""] = subject.split(".");
  return laneOf(queue, token);
}

/** The subject that a parked message was found at. */
export function foundAtOf(parked: string): string {
  return parked.split(".").slice(2).join(".");
}

/** The task that an event, a queue entry or a cancel is about: the last token of most subjects, the third of events. */
export function taskIdOf(subject: string): string {
  const tokens = subject.split(".");
  return (tokens[1] === "task" ? tokens[2] : tokens.at(-1)) ?? "";
}

/** The facet of an event. */
export function facetOf(subject: string): string {
  return subject.slice(subject.lastIndexOf(".") + 1);
}

/** The queue that an entry lies in, or is due for. */
export function queueOf(subject: string): string {
  return subject.split(".")[2] ?? "";
}
