import { randomUUID } from "node:crypto";
import { Queue } from "bullmq";
import type { Caller } from "../../client/caller.ts";
import { withPayload } from "../../client/payload.ts";
import { FollowedJobs } from "./followed-jobs.ts";
import { type JobData, jobOf, QUEUE } from "./queue.ts";

/** BullMQ as a library in the caller's own process: no API in between, and the caller reaches Redis. */
export async function openCaller(address: string): Promise<Caller> {
  const port = Number(address);
  const queue = new Queue<JobData>(QUEUE, { connection: { port } });
  await queue.waitUntilReady();
  const jobs = await FollowedJobs.open(port);
  return {
    async submit(task) {
      const { id } = await queue.add("noop", withPayload(task));
      return `${id}`;
    },
    async submitMany(tasks) {
      const added = await queue.addBulk(tasks.map((task) => jobOf(withPayload(task))));
      return added.map(({ id }) => `${id}`);
    },
    async run(task) {
      const id = randomUUID();
      const ended = jobs.follow(id);
      await queue.add("noop", withPayload(task), { jobId: id });
      return ended;
    },
    watch(id, { onReport, onOpen }) {
      const ended = jobs.join(queue, id, onReport);
      onOpen?.();
      return ended;
    },
    async [Symbol.asyncDispose]() {
      await jobs[Symbol.asyncDispose]();
      await queue.close();
    },
  };
}
