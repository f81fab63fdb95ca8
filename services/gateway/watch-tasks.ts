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
import type { WaitingReasons } from "./waiting-reasons.ts";

/** A watch of many tasks as its caller sees it; one keep-alive for all of them. */
export function watchTasks(
  { watching, reasons }: { readonly watching: Watching; readonly reasons: WaitingReasons },
  request: WatchTasksRequest,
  signal: AbortSignal,
): AsyncIterable<WatchTasksResponse> {
  refuseTwins(request);
  const responses = responsesOf(watching.watchMany(request, signal), reasons);
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
  reasons: WaitingReasons,
): AsyncGenerator<WatchTasksResponse> {
  for await (const step of steps) yield response(await kindOf(step, reasons));
}

async function kindOf(
  step: ManyWatchStep,
  reasons: WaitingReasons,
): Promise<WatchTasksResponse["kind"]> {
  if (step.case !== "failure") return { case: "update", value: await updateOf(step, reasons) };
  const { taskId, error } = step.value;
  return { case: "failure", value: create(TaskFailureSchema, { taskId, error: statusOf(error) }) };
}

function response(kind: WatchTasksResponse["kind"]): WatchTasksResponse {
  return create(WatchTasksResponseSchema, { kind });
}
