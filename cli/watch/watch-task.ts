import type { TaskState } from "#gen/millrace/v1/task_pb.ts";
import { ExitCode, exitCodeOf } from "../exit-code.ts";
import { CALL, type Tasks } from "../gateway/at-gateway.ts";
import { StopSignals } from "../stop-signals.ts";
import { anyLines } from "../task-types/any-lines.ts";
import type { TaskTypes } from "../task-types/task-types.ts";
import { outputColumns, print, tell } from "../terminal/output.ts";
import { type Following, followTask } from "./follow-task.ts";
import { JsonView } from "./json-view.ts";
import { LiveView } from "./live-view.ts";

export interface WatchOptions {
  readonly taskId: string;
  readonly afterSequence: bigint;
  readonly types: TaskTypes;
  readonly json: boolean;
}

const COLUMNS = 100;

/** Watches a task until it ends or someone presses Ctrl-C, which ends the watch only. */
export async function watchTask(tasks: Tasks, options: WatchOptions): Promise<ExitCode> {
  using stop = new StopSignals();
  const { taskId, afterSequence, types } = options;
  const forPeople = process.stdout.isTTY && !options.json;
  if (forPeople) print(`task ${taskId}`);
  const view = forPeople ? new LiveView(process.stdout, types) : new JsonView(types);
  const ended = await shown(tasks, { taskId, afterSequence, view, signal: stop.leaving });
  if (ended === undefined) {
    // That it goes on is not known: it may have ended while whoever reads along has left.
    tell(`detached; to watch it again: millrace watch ${taskId}`);
    return ExitCode.INTERRUPTED;
  }
  if (forPeople) await printOutput(tasks, options);
  return exitCodeOf(ended);
}

/** The view is gone when this returns, so that others may print. */
export async function shown(tasks: Tasks, following: Following): Promise<TaskState | undefined> {
  using _ = following.view;
  return await followTask(tasks, following);
}

async function printOutput(tasks: Tasks, { taskId, types }: WatchOptions): Promise<void> {
  const { task } = await tasks.getTask({ taskId }, CALL);
  if (task?.output === undefined) return;
  const columns = Math.min(COLUMNS, outputColumns() ?? COLUMNS);
  print(...anyLines(task.output, types, columns - 2).map((line) => `  ${line}`));
}
