import { create, toBinary } from "@bufbuild/protobuf";
import pLimit from "p-limit";
import { Priority, type Task, TaskSchema, TaskSpecSchema } from "#gen/millrace/v1/task_pb.ts";
import {
  type SubmitTaskRequest,
  SubmitTaskRequestSchema,
  SubmitTaskResponseSchema,
  type SubmitTasksResponse,
  SubmitTasksResponseSchema,
  type SubmitTasksResult,
  SubmitTasksResultSchema,
} from "#gen/millrace/v1/task_service_pb.ts";
import { Turns } from "#lib/async/turns.ts";
import { cut } from "#lib/process/cut.ts";
import type { Log } from "#lib/process/log.ts";
import { MAX_MESSAGE_BYTES } from "#lib/rpc/door.ts";
import { statusOf } from "#lib/rpc/status-of.ts";
import { requestValidation } from "#lib/rpc/validation.ts";
import { BrokerUnavailable, RequestError } from "#lib/task/errors.ts";
import { type AcceptOptions, accept } from "./accept.ts";
import type { Submitted } from "./submit.ts";

export interface SubmitTasksOptions extends AcceptOptions {
  readonly log: Log;
}

/** Measured: 1,000 small tasks take 0.15 to 0.2 s from here on, twice that one after the other. */
const AT_ONCE = 32;

/** JSON takes twice as much, and more than MAX_MESSAGE_BYTES goes through no door. */
const MAX_ANSWER_BYTES = MAX_MESSAGE_BYTES / 3;

/** Where an answer would be too large, its errors say no more than this. */
const MAX_SHORT_BYTES = 200;

/** Accepts each task as if it had come alone, and says in their order what became of them. */
export async function submitTasks(
  tasks: readonly SubmitTaskRequest[],
  options: SubmitTasksOptions,
  signal: AbortSignal,
): Promise<SubmitTasksResponse> {
  let away: BrokerUnavailable | undefined;
  const turns = new Turns();
  const results = await pLimit(AT_ONCE).map(tasks, async (task, index) => {
    try {
      await turns.next();
      signal.throwIfAborted();
      // Each would find that out for itself, but a frozen broker takes seconds to be found out.
      if (away) throw away;
      return accepted(await acceptOne(task, `tasks[${index}]`, options));
    } catch (error) {
      if (error instanceof BrokerUnavailable) away = error;
      return refused(error, options.log);
    }
  });
  return fitted(create(SubmitTasksResponseSchema, { results }));
}

function acceptOne(
  task: SubmitTaskRequest,
  at: string,
  options: AcceptOptions,
): Promise<Submitted> {
  requestValidation.check(SubmitTaskRequestSchema, task, at);
  return accept(task, `${at}.spec`, options);
}

function accepted({ task, deduplicated }: Submitted): SubmitTasksResult {
  const value = create(SubmitTaskResponseSchema, { task: brief(task), deduplicated });
  return create(SubmitTasksResultSchema, { outcome: { case: "accepted", value } });
}

/** Without what may be large: 1,000 tasks must fit into one answer. */
function brief(task: Task): Task {
  const { spec, progress: _, error: __, output: ___, ...rest } = task;
  const { queue = "", priority = Priority.UNSPECIFIED } = spec ?? {};
  return create(TaskSchema, { ...rest, spec: create(TaskSpecSchema, { queue, priority }) });
}

function refused(error: unknown, log: Log): SubmitTasksResult {
  // Hidden from the caller, and in no access log, for the call as a whole succeeds.
  if (!(error instanceof RequestError)) log.warn({ err: error }, "a task of many was not accepted");
  return create(SubmitTasksResultSchema, { outcome: { case: "error", value: statusOf(error) } });
}

/** What was accepted must be told, even if it is little that can be told of the errors. */
function fitted(response: SubmitTasksResponse): SubmitTasksResponse {
  if (toBinary(SubmitTasksResponseSchema, response).length <= MAX_ANSWER_BYTES) return response;
  for (const { outcome } of response.results) {
    if (outcome.case !== "error") continue;
    outcome.value.details = [];
    outcome.value.message = cut(outcome.value.message, MAX_SHORT_BYTES);
  }
  return response;
}
