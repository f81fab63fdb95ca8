import { type TaskEvent, TaskState } from "#gen/millrace/v1/task_pb.ts";
import { Link } from "#lib/broker/link/link.ts";
import { LogFollower } from "#lib/broker/log/log-follower.ts";
import { establish } from "#lib/broker/topology/establish.ts";
import { natsServers } from "#lib/process/nats-server.ts";
import { isRefusal, isTerminalEvent } from "#lib/task/life.ts";
import { QUIET, TOPOLOGY } from "./broker.ts";
import { until } from "./until.ts";

const OPENS: ReadonlySet<unknown> = new Set<TaskEvent["facet"]["case"]>(["spec", "state"]);

/** The log as it grows, for tests with more tasks than they care to watch one by one. */
export class LiveLog implements AsyncDisposable {
  readonly #begun = new Set<string>();
  readonly #ended = new Set<string>();
  /** The worker of each task that runs. */
  readonly #workers = new Map<string, string>();
  readonly #link: Link;
  readonly #follower: LogFollower;

  constructor(natsUrl: string) {
    const topology = { ...TOPOLOGY, queues: [] };
    this.#link = new Link({
      servers: natsServers(natsUrl),
      name: "live log",
      log: QUIET,
      prepare: (dialed) => establish(dialed, topology),
    });
    this.#follower = new LogFollower({
      link: this.#link,
      log: QUIET,
      from: "start",
      onEvent: (event) => {
        this.#begun.add(event.taskId);
        this.#noteWorker(event);
        if (isEnd(event)) this.#ended.add(event.taskId);
        // It was submitted anew, or started again.
        else if (OPENS.has(event.facet.case)) this.#ended.delete(event.taskId);
      },
    });
  }

  hasEnded(taskId: string): boolean {
    return this.#ended.has(taskId);
  }

  /** Whether the worker is known to run something. */
  isBusy(workerId: string): boolean {
    return this.#workers.values().some((id) => id === workerId);
  }

  /** Resolves when each of the tasks has its terminal event; fails with the first that have none. */
  allEnded(taskIds: Iterable<string>, withinMs: number): Promise<void> {
    return allIn(this.#ended, taskIds, withinMs);
  }

  /** Resolves when the log has something of each of the tasks. */
  allBegun(taskIds: Iterable<string>, withinMs: number): Promise<void> {
    return allIn(this.#begun, taskIds, withinMs);
  }

  #noteWorker({ facet, taskId }: TaskEvent): void {
    if (facet.case !== "state") return;
    if (facet.value.state === TaskState.RUNNING) this.#workers.set(taskId, facet.value.workerId);
    else this.#workers.delete(taskId);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#follower[Symbol.asyncDispose]();
    await this.#link[Symbol.asyncDispose]();
  }
}

/** A submit that was taken back has the mark of a failure, and was never accepted. */
function isEnd(event: TaskEvent): boolean {
  const { facet } = event;
  return facet.case === "state" && isTerminalEvent(event) && !isRefusal(facet.value);
}

async function allIn(
  found: ReadonlySet<string>,
  taskIds: Iterable<string>,
  withinMs: number,
): Promise<void> {
  const left = new Set(taskIds);
  const none = () => {
    for (const taskId of left) if (found.has(taskId)) left.delete(taskId);
    return left.size === 0;
  };
  try {
    await until(none, withinMs);
  } catch (error) {
    const some = [...left].slice(0, 5).join(", ");
    throw new Error(`still not so of ${left.size} tasks: ${some}`, { cause: error });
  }
}
