import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import type { ServiceImpl } from "@connectrpc/connect";
import type {
  ListDeadLettersRequest,
  RedriveDeadLettersRequest,
  TaskService,
} from "#gen/millrace/v1/task_service_pb.ts";
import type { TaskType } from "#gen/millrace/v1/task_type_pb.ts";
import { TaskNotFound } from "#lib/task/errors.ts";
import { accept } from "./accept.ts";
import { cancel } from "./cancel.ts";
import { deleteFinished } from "./delete.ts";
import type { KnownTaskTypes } from "./known-task-types.ts";
import { listDeadLetters } from "./list-dead-letters.ts";
import { redrive } from "./redrive.ts";
import { restart } from "./restart.ts";
import { runTask } from "./run-task.ts";
import { type SubmitTasksOptions, submitTasks } from "./submit-tasks.ts";
import { watchUpdates } from "./updates.ts";
import { lastSeenMs, type WaitingReasons } from "./waiting-reasons.ts";
import { watchTasks } from "./watch-tasks.ts";

export interface TaskServiceOptions extends SubmitTasksOptions {
  readonly reasons: WaitingReasons;
}

/** TaskService, in terms of the broker. Requests arrive validated; errors leave as what they are. */
export function taskService(options: TaskServiceOptions): Partial<ServiceImpl<typeof TaskService>> {
  const { broker, reasons } = options;
  return {
    async submitTask(request) {
      const { task, deduplicated } = await accept(request, "spec", options);
      return { task: reasons.explainNow(task), deduplicated };
    },

    submitTasks: ({ tasks }, { signal }) => submitTasks(tasks, options, signal),

    async getTask({ taskId }) {
      const standing = await broker.log.read(taskId);
      if (!standing) throw new TaskNotFound(taskId);
      return { task: await reasons.explain(standing.task) };
    },

    watchTask: (request, { signal }) => watchUpdates(options, request, signal),

    watchTasks: (request, { signal }) => watchTasks(options, request, signal),

    runTask: ({ submit }, { signal }) => runTask(submit, options, signal),

    async cancelTask({ taskId, ...asked }) {
      return { task: await cancel(broker, taskId, asked) };
    },

    async retryTask({ taskId, requestedBy }) {
      return { task: await reasons.explain(await restart(broker, { taskId, requestedBy })) };
    },

    async deleteTask({ taskId }) {
      return { deleted: await deleteFinished(broker, taskId) };
    },

    ...methodsByType(options),
  };
}

function methodsByType(options: TaskServiceOptions) {
  const { broker, types } = options;
  return {
    listDeadLetters: (request, { signal }) =>
      listDeadLetters(broker.scan, withTypeName(request, types), signal),

    redriveDeadLetters: (request, { signal }) =>
      redrive(broker, withTypeName(request, types), signal),

    listTaskTypes: () => ({ taskTypes: types.list().map((type) => withWorkers(type, options)) }),
  } satisfies Partial<ServiceImpl<typeof TaskService>>;
}

/** The request with the full name of the type that its filter asks for. */
function withTypeName<Request extends ListDeadLettersRequest | RedriveDeadLettersRequest>(
  request: Request,
  types: KnownTaskTypes,
): Request {
  const { filter } = request;
  if (!filter?.taskType) return request;
  const taskType = types.resolve(filter.taskType, "filter.task_type");
  return { ...request, filter: { ...filter, taskType } };
}

function withWorkers(type: TaskType, { broker, types }: TaskServiceOptions): TaskType {
  const { name } = type;
  const seenMs = lastSeenMs(name, broker, types);
  return {
    ...type,
    liveWorkers: broker.liveWorkers.serving(name).length,
    ...(seenMs !== undefined && { lastSeenTime: timestampFromMs(seenMs) }),
  };
}
