/** What waits to be sent for one task, in bytes. More is dropped, which no outcome depends on. */
const MAX_WAITING_BYTES = 2 ** 20;

interface Queue {
  tail: Promise<void>;
  waitingBytes: number;
}

/** Sends for each task one thing after the other, in their order, and many tasks at once. */
export class Outbox {
  readonly #queues = new Map<string, Queue>();

  /** Sends it when all that was added for the task before has been sent. Must not reject. */
  add(taskId: string, bytes: number, send: () => Promise<void>): void {
    const queue = this.#queues.get(taskId) ?? { tail: Promise.resolve(), waitingBytes: 0 };
    if (queue.waitingBytes + bytes > MAX_WAITING_BYTES) return;
    this.#queues.set(taskId, queue);
    queue.waitingBytes += bytes;
    const tail = queue.tail.then(send).finally(() => {
      queue.waitingBytes -= bytes;
      if (queue.tail === tail) this.#queues.delete(taskId);
    });
    queue.tail = tail;
  }

  /** Resolves when all that has been added for the task so far is sent. */
  async sent(taskId: string): Promise<void> {
    await this.#queues.get(taskId)?.tail;
  }
}
