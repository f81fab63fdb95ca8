import type { BrokersClock } from "./link/brokers-clock.ts";
import type { DialOptions } from "./link/dial.ts";
import { type BrokerLog, Link } from "./link/link.ts";
import { LogCursor, type LogCursorOptions } from "./log/log-cursor.ts";
import { LogScan } from "./log/log-scan.ts";
import { LogSpace } from "./log/log-space.ts";
import { LogWalk } from "./log/log-walk.ts";
import { TaskLog } from "./log/task-log.ts";
import type { Facet } from "./names.ts";
import { Cancels } from "./processes/cancels.ts";
import { Departures } from "./processes/departures.ts";
import { Leadership } from "./processes/leadership.ts";
import { LiveWorkers } from "./processes/live-workers.ts";
import { TaskTypeBook } from "./processes/task-type-book.ts";
import { WorkerBook } from "./processes/worker-book.ts";
import { Lanes } from "./queues/lanes.ts";
import { ParkedMessages } from "./queues/parked.ts";
import { QueueSettingsBook } from "./queues/queue-settings.ts";
import { Queues } from "./queues/queues.ts";
import { RoomWanted } from "./queues/room-wanted.ts";
import { Schedule } from "./queues/schedule.ts";
import { TimeLimits } from "./queues/time-limits.ts";
import { Unreadable } from "./queues/unreadable.ts";
import { Whereabouts } from "./queues/whereabouts.ts";
import { preparation } from "./topology/preparation.ts";
import type { TopologyOptions } from "./topology/topology.ts";

type CursorOptions = Pick<LogCursorOptions, "name" | "facet" | "ageMs" | "tail">;

interface BrokerOptions extends DialOptions {
  /** The environment that it is for; none is one, too. */
  readonly namespace?: string | undefined;
  readonly topology: TopologyOptions;
  readonly log: BrokerLog;
}

/** All that Millrace keeps in NATS, in our own words. */
export class Broker implements AsyncDisposable {
  readonly link: Link;
  readonly log: TaskLog;
  readonly scan: LogScan;
  readonly lanes: Lanes;
  readonly space: LogSpace;
  readonly roomWanted: RoomWanted;
  readonly queues: Queues;
  readonly queueSettings: QueueSettingsBook;
  readonly parked: ParkedMessages;
  readonly unreadable: Unreadable;
  readonly schedule: Schedule;
  readonly timeLimits: TimeLimits;
  readonly taskTypes: TaskTypeBook;
  readonly workers: WorkerBook;
  /** Known while they are followed. */
  readonly liveWorkers: LiveWorkers;
  readonly cancels: Cancels;
  readonly departures: Departures;
  readonly whereabouts: Whereabouts;

  readonly #options: BrokerOptions;

  /** How long an event is kept. */
  readonly historyMs: number;

  /** The time that tasks go by. */
  get clock(): BrokersClock {
    return this.link.clock;
  }

  /** Returns at once; `link` says when it is up. */
  constructor(options: BrokerOptions) {
    const { topology, ...line } = options;
    const { log } = line;
    this.#options = options;
    this.historyMs = topology.historyMs;
    this.link = new Link({ ...line, prepare: preparation(topology, log) });
    this.space = new LogSpace(this.link);
    const { link, space } = this;
    this.log = new TaskLog({ link, space, replicas: topology.replicas });
    this.scan = new LogScan(this.link);
    this.lanes = new Lanes(this.link);
    this.roomWanted = new RoomWanted(this.link, log);
    this.queues = new Queues({
      link: this.link,
      lanes: this.lanes,
      roomWanted: this.roomWanted,
      onlyOldServe: (type) => this.liveWorkers.onlyOldServe(type),
    });
    this.queueSettings = new QueueSettingsBook(this.link, topology);
    this.parked = new ParkedMessages(this.link);
    this.unreadable = new Unreadable(this.log, this.parked);
    this.schedule = new Schedule({
      link: this.link,
      queues: this.queues,
      tasks: this.log,
      unreadable: this.unreadable,
      log,
    });
    this.timeLimits = new TimeLimits(this.link, log);
    this.taskTypes = new TaskTypeBook(this.link, log, topology.replicas);
    this.workers = new WorkerBook(this.link, log, topology.replicas);
    this.liveWorkers = new LiveWorkers(this.workers);
    this.cancels = new Cancels(this.link, log);
    this.departures = new Departures(this.link, log);
    this.whereabouts = new Whereabouts(this.link);
  }

  /** Lets processes stand for leader of something; `candidate` names this one, and no other. */
  leadership(name: string, candidate: string): Leadership {
    const { log, topology } = this.#options;
    return new Leadership({ link: this.link, log, replicas: topology.replicas, name, candidate });
  }

  /** A cursor through all events of the facet as they come of age; its place is kept under the name. */
  logCursor(options: CursorOptions): LogCursor {
    return this.#cursor(options, []);
  }

  /** The same, but it starts over when a queue, or the schedule, was lost and made anew: then any task may wait nowhere. */
  placeCursor(options: CursorOptions): LogCursor {
    const { queues } = this.#options.topology;
    const { names } = this.link;
    const streams = queues.map((queue) => names.queueStream(queue));
    return this.#cursor(options, [names.scheduleStream, ...streams]);
  }

  /** A walk through the events of the facet, or through all events, from the oldest one on. */
  logWalk(facet?: Facet, options: { readonly headersOnly?: boolean } = {}): LogWalk {
    return new LogWalk({ link: this.link, facet, ...options });
  }

  #cursor(options: CursorOptions, besides: readonly string[]): LogCursor {
    const { replicas } = this.#options.topology;
    return new LogCursor({ link: this.link, replicas, ...options, besides });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.link[Symbol.asyncDispose]();
  }
}
