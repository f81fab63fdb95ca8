import { create } from "@bufbuild/protobuf";
import { timestampNow } from "@bufbuild/protobuf/wkt";
import { type TaskUpdate, TaskUpdateSchema } from "#gen/millrace/v1/task_service_pb.ts";
import type { WatchStep } from "#lib/broker/watch/watch-steps.ts";
import type { Watching } from "#lib/broker/watch/watching.ts";
import { withKeepAlive } from "#lib/rpc/keep-alive.ts";
import { KEEP_ALIVE_MS } from "#lib/task/limits.ts";

export function updateOf(kind: WatchStep): TaskUpdate {
  return create(TaskUpdateSchema, { kind });
}

export function keepAlive(): TaskUpdate {
  return create(TaskUpdateSchema, {
    kind: { case: "keepAlive", value: { time: timestampNow() } },
  });
}

async function* updates(steps: AsyncIterable<WatchStep>): AsyncGenerator<TaskUpdate> {
  for await (const step of steps) yield updateOf(step);
}

export interface WatchRequest {
  readonly taskId: string;
  readonly afterSequence: bigint;
}

/** A watch as its caller sees it. */
export function watchUpdates(
  watching: Watching,
  { taskId, afterSequence }: WatchRequest,
  signal: AbortSignal,
): AsyncIterable<TaskUpdate> {
  const steps = watching.watch(taskId, afterSequence, signal);
  return withKeepAlive(updates(steps), KEEP_ALIVE_MS, keepAlive, signal);
}
