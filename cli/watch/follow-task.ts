import type { Tasks } from "#cli/gateway/at-gateway.ts";
import { TaskState } from "#gen/millrace/v1/task_pb.ts";
import type { TaskUpdate } from "#gen/millrace/v1/task_service_pb.ts";
import { isTerminal } from "#lib/task/life.ts";
import { Patience } from "./patience.ts";
import type { View } from "./view.ts";

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
    if (!following.signal.aborted) await watch.patience.wait(following.signal);
  }
  return undefined;
}

class Watch {
  readonly patience: Patience;
  readonly #tasks: Tasks;
  readonly #following: Following;
  #after: bigint;
  #state: TaskState = TaskState.UNSPECIFIED;

  constructor(tasks: Tasks, following: Following) {
    this.#tasks = tasks;
    this.#following = following;
    this.#after = following.afterSequence;
    this.patience = new Patience((line) => following.view.notice(line));
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
    } catch (error) {
      if (!signal.aborted) this.patience.forgive(error);
    }
    return undefined;
  }

  #take(kind: TaskUpdate["kind"] | undefined): void {
    const { view } = this.#following;
    this.patience.heard(`, after event ${this.#after}`);
    if (kind?.case === "snapshot") {
      this.#state = kind.value.state;
      view.snapshot(kind.value);
    } else if (kind?.case === "event") {
      this.#after = kind.value.sequence;
      // A terminal one is not the last of a task that was started again.
      if (kind.value.facet.case === "state") this.#state = kind.value.facet.value.state;
      view.event(kind.value);
    } else if (kind?.case === "keepAlive") view.waits(kind.value.waitingReason);
  }
}
