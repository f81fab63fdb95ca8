import { create } from "@bufbuild/protobuf";
import { timestampNow } from "@bufbuild/protobuf/wkt";
import { type TaskUpdate, TaskUpdateSchema } from "#gen/millrace/v1/task_service_pb.ts";
import type { Watching, WatchStep } from "#lib/broker/watching.ts";
import { withKeepAlive } from "#lib/rpc/keep-alive.ts";
import { KEEP_ALIVE_MS } from "#lib/task/limits.ts";

function keepAlive(): TaskUpdate {
  return create(TaskUpdateSchema, {
    kind: { case: "keepAlive", value: { time: timestampNow() } },
  });
}

async function* updates(steps: AsyncIterable<WatchStep>): AsyncGenerator<TaskUpdate> {
  for await (const kind of steps) yield create(TaskUpdateSchema, { kind });
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
