import { Cancels } from "./cancels.ts";
import { Link, type LinkOptions } from "./link.ts";
import { LogScan } from "./log-scan.ts";
import { ParkedMessages } from "./parked.ts";
import { QueueSettingsBook } from "./queue-settings.ts";
import { Queues } from "./queues.ts";
import { Schedule } from "./schedule.ts";
import { TaskLog } from "./task-log.ts";
import { TaskTypeBook } from "./task-type-book.ts";
import { TimeLimits } from "./time-limits.ts";
import { Unreadable } from "./unreadable.ts";
import { WorkerBook } from "./worker-book.ts";

/** All that Millrace keeps in NATS, in our own words. */
export class Broker implements AsyncDisposable {
  readonly link: Link;
  readonly log: TaskLog;
  readonly scan: LogScan;
  readonly queues: Queues;
  readonly queueSettings: QueueSettingsBook;
  readonly parked: ParkedMessages;
  readonly unreadable: Unreadable;
  readonly schedule: Schedule;
  readonly timeLimits: TimeLimits;
  readonly taskTypes: TaskTypeBook;
  readonly workers: WorkerBook;
  readonly cancels: Cancels;

  /** Returns at once; `link` says when it is up. */
  constructor(options: LinkOptions) {
    const { log, topology } = options;
    this.link = new Link(options);
    this.log = new TaskLog(this.link);
    this.scan = new LogScan(this.link);
    this.queues = new Queues(this.link);
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
    this.cancels = new Cancels(this.link, log);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.link[Symbol.asyncDispose]();
  }
}
