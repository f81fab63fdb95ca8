import { create } from "@bufbuild/protobuf";
import { durationMs } from "@bufbuild/protobuf/wkt";
import type { ServiceImpl } from "@connectrpc/connect";
import { Priority, type TaskSpec, TaskSpecSchema } from "#gen/millrace/v1/task_pb.ts";
import type { SubmitTaskRequest, TaskService } from "#gen/millrace/v1/task_service_pb.ts";
import type { Broker } from "#lib/broker/broker.ts";
import type { Watching } from "#lib/broker/watching.ts";
import { InvalidField, TaskNotFound } from "#lib/task/errors.ts";
import { DEFAULT_QUEUE } from "#lib/task/limits.ts";
import { cancel } from "./cancel.ts";
import { deleteFinished } from "./delete.ts";
import type { KnownTaskTypes } from "./known-task-types.ts";
import { restart } from "./restart.ts";
import { type Submitted, submit } from "./submit.ts";
import { taskIdOf } from "./task-id.ts";
import { watchUpdates } from "./updates.ts";

export interface TaskServiceOptions {
  readonly broker: Broker;
  readonly watching: Watching;
  readonly types: KnownTaskTypes;
  readonly queues: readonly string[];
  /** How long an event is kept. */
  readonly historyMs: number;
}

/** TaskService, in terms of the broker. Requests arrive validated; errors leave as what they are. */
export function taskService(options: TaskServiceOptions): Partial<ServiceImpl<typeof TaskService>> {
  const { broker, watching, types } = options;
  return {
    submitTask: (request) => accept(request, "spec", options),

    async getTask({ taskId }) {
      const standing = await broker.log.read(taskId);
      if (!standing) throw new TaskNotFound(taskId);
      return { task: standing.task };
    },

    async *watchTask(request, { signal }) {
      for await (const update of watchUpdates(watching, request, signal)) yield { update };
    },

    async *runTask({ submit: request }, { signal }) {
      if (!request) throw new InvalidField("submit", "is required");
      // Before anything is accepted that could then not be watched.
      watching.check();
      const { task } = await accept(request, "submit.spec", options);
      const whole = { taskId: task.id, afterSequence: 0n };
      for await (const update of watchUpdates(watching, whole, signal)) yield { update };
    },

    async cancelTask({ taskId, ...asked }) {
      return { task: await cancel(broker, taskId, asked) };
    },

    async retryTask({ taskId, requestedBy }) {
      return { task: await restart(broker, taskId, requestedBy) };
    },

    async deleteTask({ taskId }) {
      return { deleted: await deleteFinished(broker, taskId) };
    },

    listTaskTypes: () => ({ taskTypes: types.list() }),
  };
}

async function accept(
  request: SubmitTaskRequest,
  at: string,
  { broker, types, queues, historyMs }: TaskServiceOptions,
): Promise<Submitted> {
  const spec = withDefaults(request.spec);
  if (!queues.includes(spec.queue)) {
    const known = `there is no queue "${spec.queue}"; there are: ${queues.join(", ")}`;
    throw new InvalidField(`${at}.queue`, known);
  }
  // Asked first, for while the broker is away no type may be known yet.
  broker.link.use();
  types.checkInput(spec.input, `${at}.input`);
  checkTimes(spec, at, historyMs);
  return submit(broker, taskIdOf(request), spec);
}

/** A task must not sleep, nor run, for longer than the log remembers it. */
function checkTimes(
  { attemptTimeout, retryPolicy }: TaskSpec,
  at: string,
  historyMs: number,
): void {
  const times = [
    { field: "attempt_timeout", duration: attemptTimeout },
    { field: "retry_policy.initial_backoff", duration: retryPolicy?.initialBackoff },
    { field: "retry_policy.max_backoff", duration: retryPolicy?.maxBackoff },
  ];
  const tooLong = times.find(({ duration }) => duration && durationMs(duration) > historyMs);
  if (!tooLong) return;
  const allowed = `may not exceed the ${historyMs / 1_000} s that the history is kept`;
  throw new InvalidField(`${at}.${tooLong.field}`, allowed);
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
