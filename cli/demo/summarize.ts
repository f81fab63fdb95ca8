import { create } from "@bufbuild/protobuf";
import type { TaskState } from "#gen/millrace/v1/task_pb.ts";
import { SubmitTaskRequestSchema } from "#gen/millrace/v1/task_service_pb.ts";
import { CALL, type Tasks } from "../gateway/at-gateway.ts";
import { buildInput } from "../task-types/build-input.ts";
import { resolveType } from "../task-types/resolve-type.ts";
import { readTaskTypes } from "../task-types/task-types.ts";
import { shown } from "../watch/watch-task.ts";
import type { DemoScreen } from "./demo-screen.ts";

export interface Asked {
  readonly page: string;
  readonly detailed: boolean;
  readonly queue: string;
}

interface Watcher {
  readonly screen: DemoScreen;
  readonly leaving: AbortSignal;
}

const TYPE = "web.summarize";

/** Submits the demo's one task and shows it until it ends; undefined when it was left before. */
export async function summarize(
  tasks: Tasks,
  { page, detailed, queue }: Asked,
  { screen, leaving }: Watcher,
): Promise<TaskState | undefined> {
  const types = await readTaskTypes(tasks);
  const pairs = [
    { key: "url", value: page },
    { key: "processing_type", value: detailed ? "detailed" : "quick" },
  ];
  const type = resolveType(TYPE, types.all);
  const input = buildInput(type, { json: undefined, pairs }, types.registry);
  const request = create(SubmitTaskRequestSchema, { spec: { input, queue } });
  const taskId = (await tasks.submitTask(request, CALL)).task?.id ?? "";
  screen.submitted(TYPE, taskId);
  const view = screen.openView(types);
  const state = await shown(tasks, { taskId, afterSequence: 0n, view, signal: leaving });
  screen.viewClosed();
  if (state !== undefined) {
    const { task } = await tasks.getTask({ taskId }, CALL);
    screen.ended(task);
  }
  return state;
}
