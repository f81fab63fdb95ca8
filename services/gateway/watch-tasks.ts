import { create } from "@bufbuild/protobuf";
import {
  TaskFailureSchema,
  type WatchTasksRequest,
  type WatchTasksResponse,
  WatchTasksResponseSchema,
} from "#gen/millrace/v1/task_service_pb.ts";
import type { ManyWatchStep } from "#lib/broker/watch/many-watch.ts";
import type { Watching } from "#lib/broker/watch/watching.ts";
import { withKeepAlive } from "#lib/rpc/keep-alive.ts";
import { statusOf } from "#lib/rpc/status-of.ts";
import { InvalidField } from "#lib/task/errors.ts";
import { KEEP_ALIVE_MS } from "#lib/task/limits.ts";
import { keepAlive, updateOf } from "./updates.ts";

/** A watch of many tasks as its caller sees it; one keep-alive for all of them. */
export function watchTasks(
  watching: Watching,
  request: WatchTasksRequest,
  signal: AbortSignal,
): AsyncIterable<WatchTasksResponse> {
  refuseTwins(request);
  const responses = responsesOf(watching.watchMany(request, signal));
  const alive = () => response({ case: "update", value: keepAlive() });
  return withKeepAlive(responses, KEEP_ALIVE_MS, alive, signal);
}

function refuseTwins({ tasks }: WatchTasksRequest): void {
  const seen = new Set<string>();
  for (const [index, { taskId }] of tasks.entries()) {
    if (seen.has(taskId)) {
      throw new InvalidField(`tasks[${index}].task_id`, `names ${taskId} a second time`);
    }
    seen.add(taskId);
  }
}

async function* responsesOf(
  steps: AsyncIterable<ManyWatchStep>,
): AsyncGenerator<WatchTasksResponse> {
  for await (const step of steps) yield response(kindOf(step));
}

function kindOf(step: ManyWatchStep): WatchTasksResponse["kind"] {
  if (step.case !== "failure") return { case: "update", value: updateOf(step) };
  const { taskId, error } = step.value;
  return { case: "failure", value: create(TaskFailureSchema, { taskId, error: statusOf(error) }) };
}

function response(kind: WatchTasksResponse["kind"]): WatchTasksResponse {
  return create(WatchTasksResponseSchema, { kind });
}
