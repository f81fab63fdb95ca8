import { TaskState } from "#gen/millrace/v1/task_pb.ts";
import type { WaitingTask } from "#gen/millrace/v1/waiting_task_pb.ts";
import { isTerminal } from "#lib/task/life.ts";
import type { TaskLog } from "../log/task-log.ts";
import type { Delivery } from "./delivery.ts";
import type { ParkedMessages } from "./parked.ts";
import { waitingOf } from "./waiting.ts";

/** What becomes of deliveries whose bytes can't be read: the log may know their task; what is no task is put aside. */
export class Unreadable {
  readonly #log: TaskLog;
  readonly #parked: ParkedMessages;

  constructor(log: TaskLog, parked: ParkedMessages) {
    this.#log = log;
    this.#parked = parked;
  }

  /** The task of a due message, if it still has to get into its queue. What is no task is parked. */
  async dueTask(delivery: Delivery): Promise<WaitingTask | undefined> {
    const standing = await this.#log.read(delivery.taskId);
    if (!standing) {
      await this.park(delivery);
      return undefined;
    }
    const { state } = standing.task;
    return isTerminal(state) || state === TaskState.RUNNING ? undefined : waitingOf(standing);
  }

  /** Puts aside what neither its bytes nor the log know as a task. To be waited for before it is let go of. */
  async park(delivery: Delivery): Promise<void> {
    const { taskId } = delivery;
    const reason = `its bytes are no task, and the log has none with the id "${taskId}"`;
    await this.#parked.add(delivery, reason);
  }
}
