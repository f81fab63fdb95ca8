import { randomUUID } from "node:crypto";
import type { ServerResponse } from "node:http";
import { Queue } from "bullmq";
import { fastify } from "fastify";
import type { Ended, OnReport } from "../../client/caller.ts";
import { FollowedJobs } from "../bullmq/followed-jobs.ts";
import { type JobData, jobOf, QUEUE } from "../bullmq/queue.ts";

/** The API process in front of BullMQ: JSON in, ids out, events as server-sent events. */
const [port, redisPort] = process.argv.slice(2).map(Number);
const connection = { port: Number(redisPort) };

const queue = new Queue<JobData>(QUEUE, { connection });
await queue.waitUntilReady();
const jobs = await FollowedJobs.open(connection.port);
const server = fastify();

server.post<JobData>("/tasks", async ({ body }, reply) => {
  const { id } = await queue.add("noop", body);
  reply.code(202);
  return { id };
});

server.post<{ readonly tasks: readonly JobData[] }>("/tasks/bulk", async ({ body }, reply) => {
  const added = await queue.addBulk(body.tasks.map(jobOf));
  reply.code(202);
  return { ids: added.map(({ id }) => id) };
});

server.post<JobData>("/tasks/run", async ({ body }, reply) => {
  const id = randomUUID();
  reply.hijack();
  const ended = jobs.follow(id, begin(reply.raw));
  await queue.add("noop", body, { jobId: id });
  end(reply.raw, await ended);
});

server.get<{ readonly id: string }>("/tasks/:id/events", async ({ params }, reply) => {
  reply.hijack();
  const onReport = begin(reply.raw);
  // Else headers wait for the first event.
  reply.raw.flushHeaders();
  end(reply.raw, await jobs.join(queue, params.id, onReport));
});

await server.listen({ port: Number(port), host: "127.0.0.1" });
process.stdout.write("api is up\n");

function begin(response: ServerResponse): OnReport {
  response.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-store" });
  return (madeAtMs) => response.write(event("progress", { madeAtMs }));
}

function end(response: ServerResponse, ended: Ended): void {
  response.end(event("end", ended));
}

function event(name: string, data: unknown): string {
  return `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`;
}
