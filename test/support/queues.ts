import type { Queue } from "#gen/millrace/v1/queue_service_pb.ts";
import type { Script } from "./scripted-worker/scripted.ts";
import { type Gateway, scriptOf } from "./system.ts";

export const QUEUE = "default";
export const ASKED = { reason: "maintenance", requestedBy: "ada" };

/** Submits a scripted task, and gives back its id. */
export async function submit(
  { client }: Gateway,
  taskId: string,
  script: Script = {},
  queue = QUEUE,
): Promise<string> {
  await client.submitTask({ taskId, spec: { input: scriptOf(script), queue } });
  return taskId;
}

/** Submits as many scripted tasks, and gives back their ids: default-0, default-1 … */
export async function submitMany(
  gateway: Gateway,
  count: number,
  script: Script = {},
  queue = QUEUE,
): Promise<string[]> {
  const ids = Array.from({ length: count }, (_, n) => `${queue}-${n}`);
  for (let at = 0; at < ids.length; at += 50) {
    await Promise.all(ids.slice(at, at + 50).map((id) => submit(gateway, id, script, queue)));
  }
  return ids;
}

/** The queue as it is listed. */
export async function queueOf({ queues }: Gateway, queue = QUEUE): Promise<Queue | undefined> {
  return (await queues.listQueues({})).queues.find(({ name }) => name === queue);
}
