import { Code, ConnectError } from "@connectrpc/connect";
import type { Tasks } from "#cli/gateway/at-gateway.ts";
import { ErrorInfoSchema } from "#gen/google/rpc/error_details_pb.ts";
import { TaskState } from "#gen/millrace/v1/task_pb.ts";
import type { TaskUpdate } from "#gen/millrace/v1/task_service_pb.ts";
import { pause } from "#lib/process/pause.ts";
import { isTerminal, isTerminalEvent } from "#lib/task/life.ts";
import type { View } from "./view.ts";

const FIRST_PAUSE_MS = 200;
const LONGEST_PAUSE_MS = 5_000;
/** Nobody answered for that long: the caller is told, and how to go on. */
const GIVE_UP_MS = 300_000;

export interface Following {
  readonly taskId: string;
  readonly afterSequence: bigint;
  readonly view: View;
  readonly signal: AbortSignal;
}

/**
 * Watches until the task has ended, and says how; undefined when the signal came first. A stream that breaks is taken up
 * again after the last event that was shown, at whichever gateway answers.
 */
export async function followTask(
  tasks: Tasks,
  following: Following,
): Promise<TaskState | undefined> {
  const watch = new Watch(tasks, following);
  while (!following.signal.aborted) {
    const ended = await watch.untilBroken();
    if (ended !== undefined) return ended;
    if (!following.signal.aborted) await watch.wait();
  }
  return undefined;
}

class Watch {
  readonly #tasks: Tasks;
  readonly #following: Following;
  #after: bigint;
  #state: TaskState = TaskState.UNSPECIFIED;
  #connected = false;
  #brokenAt: number | undefined;
  #pauseMs = FIRST_PAUSE_MS;
  #reason = "";

  constructor(tasks: Tasks, following: Following) {
    this.#tasks = tasks;
    this.#following = following;
    this.#after = following.afterSequence;
  }

  /** The state that the task ended in; undefined when the stream broke before. */
  async untilBroken(): Promise<TaskState | undefined> {
    const { taskId, signal } = this.#following;
    const request = { taskId, afterSequence: this.#after };
    try {
      for await (const { update } of this.#tasks.watchTask(request, { signal })) {
        this.#take(update?.kind);
      }
      if (isTerminal(this.#state)) return this.#state;
      this.#reason = "the stream ended";
    } catch (error) {
      if (!signal.aborted) this.#forgive(error);
    }
    return undefined;
  }

  async wait(): Promise<void> {
    const { view, signal } = this.#following;
    if (this.#brokenAt === undefined) {
      this.#brokenAt = performance.now();
      view.notice(`lost the gateway (${this.#reason}); trying again…`);
    }
    await pause(this.#pauseMs, signal);
    this.#pauseMs = Math.min(LONGEST_PAUSE_MS, this.#pauseMs * 2);
  }

  #take(kind: TaskUpdate["kind"] | undefined): void {
    const { view } = this.#following;
    this.#connected = true;
    if (this.#brokenAt !== undefined) view.notice(`watching again, after event ${this.#after}`);
    this.#brokenAt = undefined;
    this.#pauseMs = FIRST_PAUSE_MS;
    if (kind?.case === "snapshot") {
      this.#state = kind.value.state;
      view.snapshot(kind.value);
    } else if (kind?.case === "event") {
      this.#after = kind.value.sequence;
      if (isTerminalEvent(kind.value) && kind.value.facet.case === "state") {
        this.#state = kind.value.facet.value.state;
      }
      view.event(kind.value);
    }
  }

  /** A watch that once worked outlives its gateway; one that never did tells at once what is wrong. */
  #forgive(error: unknown): void {
    if (!(error instanceof ConnectError) || !this.#connected) throw error;
    if (!canResume(error)) throw error;
    const silentMs = performance.now() - (this.#brokenAt ?? performance.now());
    if (silentMs > GIVE_UP_MS) throw error;
    this.#reason = error.rawMessage;
  }
}

/** A gateway that is alive says with an ErrorInfo what is wrong; without one, the connection broke. */
function canResume(error: ConnectError): boolean {
  const [info] = error.findDetails(ErrorInfoSchema);
  if (info === undefined || error.code === Code.Unavailable) return true;
  return Object.hasOwn(info.metadata, "resume_after_sequence");
}
