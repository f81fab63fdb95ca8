import { type Queue, QueueEvents } from "bullmq";
import type { Ended, OnReport } from "../../client/caller.ts";
import { type Progress, QUEUE } from "./queue.ts";

interface Follower {
  readonly onReport: OnReport;
  readonly onEnd: (startedAtMs: number) => void;
  readonly onFailure: (error: Error) => void;
}

/** Tells whoever follows a job what QueueEvents says of it: one stream of events for all jobs, as BullMQ has it. */
export class FollowedJobs implements AsyncDisposable {
  readonly #events: QueueEvents;
  readonly #followers = new Map<string, Set<Follower>>();

  private constructor(events: QueueEvents) {
    this.#events = events;
    events.on("progress", ({ jobId, data }) => {
      for (const { onReport } of this.#of(jobId)) onReport((data as Progress).madeAtMs);
    });
    events.on("completed", ({ jobId, returnvalue }) => {
      for (const { onEnd } of this.#of(jobId)) onEnd(Number(returnvalue));
      this.#followers.delete(jobId);
    });
    events.on("failed", ({ jobId, failedReason }) => {
      for (const { onFailure } of this.#of(jobId)) onFailure(new Error(failedReason));
      this.#followers.delete(jobId);
    });
    events.on("error", (error) => process.stderr.write(`${error.stack}\n`));
  }

  static async open(port: number): Promise<FollowedJobs> {
    // From the start of the stream: by default it hears what comes after its first read, which comes after it says it is ready.
    const events = new QueueEvents(QUEUE, { connection: { port }, lastEventId: "0-0" });
    await events.waitUntilReady();
    return new FollowedJobs(events);
  }

  /** To be called before the job is added: what happened before is not told. */
  follow(id: string, onReport: OnReport = () => {}): Promise<Ended> {
    return new Promise((resolve, reject) => {
      const onEnd = (startedAtMs: number) => resolve({ id, startedAtMs });
      const followers = this.#followers.get(id) ?? new Set();
      this.#followers.set(id, followers.add({ onReport, onEnd, onFailure: reject }));
    });
  }

  /** For a job that was added before, and may have ended. */
  async join(queue: Queue, id: string, onReport?: OnReport): Promise<Ended> {
    const ended = this.follow(id, onReport);
    const job = await queue.getJob(id);
    if (job === undefined || (await job.getState()) !== "completed") return ended;
    this.#followers.delete(id);
    return { id, startedAtMs: Number(job.returnvalue) };
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#events.close();
  }

  #of(id: string): Iterable<Follower> {
    return this.#followers.get(id) ?? [];
  }
}
