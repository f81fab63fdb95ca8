import { ExitCode } from "../exit-code.ts";
import type { Tasks } from "../gateway/at-gateway.ts";
import { StopSignals } from "../stop-signals.ts";
import type { TaskTypes } from "../task-types/task-types.ts";
import { tell } from "../terminal/output.ts";
import { BoardView } from "./board-view.ts";
import { type FollowingMany, followTasks } from "./follow-tasks.ts";
import { JsonView } from "./json-view.ts";

export interface WatchManyOptions {
  readonly taskIds: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
  readonly types: TaskTypes;
  readonly json: boolean;
}

/** Watches many tasks until all listed ones have ended or someone presses Ctrl-C, which ends the watch only. */
export async function watchTasks(tasks: Tasks, options: WatchManyOptions): Promise<ExitCode> {
  using stop = new StopSignals();
  const { taskIds, labels, types } = options;
  const forPeople = process.stdout.isTTY && !options.json;
  const view = forPeople
    ? new BoardView(process.stdout, types)
    : new JsonView({ ...types, many: true });
  const exitCode = await shown(tasks, { taskIds, labels, view, signal: stop.leaving });
  if (exitCode !== undefined) return exitCode;
  tell("detached; the tasks go on");
  return ExitCode.INTERRUPTED;
}

/** The view is gone when this returns, so that others may print. */
async function shown(tasks: Tasks, following: FollowingMany): Promise<ExitCode | undefined> {
  using _ = following.view;
  return await followTasks(tasks, following);
}
