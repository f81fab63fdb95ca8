import { create } from "@bufbuild/protobuf";
import { Priority, type TaskSpec, TaskSpecSchema } from "#gen/millrace/v1/task_pb.ts";
import type { SubmitTaskRequest } from "#gen/millrace/v1/task_service_pb.ts";
import type { Broker } from "#lib/broker/broker.ts";
import { InvalidField } from "#lib/task/errors.ts";
import { DEFAULT_QUEUE } from "#lib/task/limits.ts";
import { checkTimes, pastTimes } from "./check-times.ts";
import type { KnownTaskTypes } from "./known-task-types.ts";
import type { Submitted } from "./make-sure.ts";
import { submit } from "./submit.ts";
import { taskIdOf } from "./task-id.ts";

export interface AcceptOptions {
  readonly broker: Broker;
  readonly types: KnownTaskTypes;
  readonly queues: readonly string[];
  /** How long an event is kept. */
  readonly historyMs: number;
}

/**
 * Checks what the rules of the .proto files can't, and submits the task. `at` is the path of the spec in the caller's
 * request, for the errors.
 */
export async function accept(
  request: SubmitTaskRequest,
  at: string,
  { broker, types, queues, historyMs }: AcceptOptions,
): Promise<Submitted> {
  const spec = withDefaults(request.spec);
  if (!queues.includes(spec.queue)) {
    const known = `there is no queue "${spec.queue}"; there are: ${queues.join(", ")}`;
    throw new InvalidField(`${at}.queue`, known);
  }
  // Asked first, for while the broker is away no type may be known yet.
  broker.link.use();
  types.checkInput(spec.input, `${at}.input`);
  const nowMs = Date.now();
  checkTimes(spec, at, { historyMs, nowMs });
  const taskId = taskIdOf(request);
  const past = pastTimes(spec, at, nowMs);
  if (past && !(await broker.log.read(taskId))) throw past;
  return submit(broker, taskId, spec);
}

/** Filled in before the spec is stored, so that it says what holds, and repeats compare equal. */
function withDefaults(given: TaskSpec | undefined): TaskSpec {
  const spec = given ?? create(TaskSpecSchema);
  return {
    ...spec,
    queue: spec.queue || DEFAULT_QUEUE,
    priority: spec.priority || Priority.NORMAL,
  };
}
