import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { WorkerSchema } from "#gen/millrace/v1/worker_pb.ts";
import { LiveWorkers } from "#lib/broker/processes/live-workers.ts";
import type { WorkerListener } from "#lib/broker/processes/worker-book.ts";

export type SeenWorker = MessageInitShape<typeof WorkerSchema>;

/** Workers that are followed by a clock that the test sets; `listener` is told what becomes of them. */
export function followedWorkers() {
  const clock = { nowMs: 0 };
  const listeners: WorkerListener[] = [];
  const book = {
    async follow(given: WorkerListener): Promise<void> {
      listeners.push(given);
    },
  };
  const workers = new LiveWorkers(book, () => clock.nowMs);
  workers.follow(new AbortController().signal).catch(() => {});
  const [listener] = listeners;
  if (!listener) throw new Error("nobody follows the workers");
  const seen = (worker: SeenWorker, atMs = 0) => {
    clock.nowMs = atMs;
    listener.onAlive(create(WorkerSchema, worker));
  };
  return { workers, clock, listener, seen };
}

/** These workers, and no others, live; and that is known. */
export function liveWorkers(...all: readonly SeenWorker[]): LiveWorkers {
  const { workers, listener, seen } = followedWorkers();
  listener.onFollowing?.();
  for (const worker of all) seen(worker, 5_000);
  return workers;
}
