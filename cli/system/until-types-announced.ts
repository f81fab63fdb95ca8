import { setTimeout as delay } from "node:timers/promises";
import { TaskService } from "#gen/millrace/v1/task_service_pb.ts";
import { openGrpcClient } from "#lib/rpc/client.ts";

const POLL_MS = 25;
const ANSWER_LIMIT_MS = 5_000;

/** Resolves when the gateway accepts tasks of some type: a worker that is ready may have to announce its own yet. */
export async function untilTypesAnnounced(address: string, signal: AbortSignal): Promise<void> {
  using client = openGrpcClient({ address });
  const tasks = client.of(TaskService);
  const call = { signal, timeoutMs: ANSWER_LIMIT_MS };
  while ((await tasks.listTaskTypes({}, call)).taskTypes.length === 0) {
    await delay(POLL_MS, undefined, { signal });
  }
}
