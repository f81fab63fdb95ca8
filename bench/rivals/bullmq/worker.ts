import { setTimeout as delay } from "node:timers/promises";
import { type Job, Worker } from "bullmq";
import { nowMs } from "../../clock.ts";
import { type JobData, type Progress, QUEUE } from "./queue.ts";

/** The worker process of BullMQ: the no-op, with its reports. */
const [port, slots] = process.argv.slice(2).map(Number);

const worker = new Worker<JobData>(QUEUE, handle, {
  connection: { port: Number(port) },
  concurrency: Number(slots),
});
worker.on("error", (error) => process.stderr.write(`${error.stack}\n`));
await worker.waitUntilReady();
process.stdout.write("worker is up\n");

async function handle(job: Job<JobData>): Promise<number> {
  const startedAtMs = nowMs();
  const { data } = job;
  for (let current = 1; current <= data.reports; current += 1) {
    if (data.everyMs !== undefined) await delay(data.everyMs);
    const progress: Progress = { current, madeAtMs: nowMs() };
    await job.updateProgress(progress);
  }
  return startedAtMs;
}
