import type { Command } from "commander";
import { CliError } from "../cli-error.ts";
import { ExitCode } from "../exit-code.ts";
import { atGateway } from "../gateway/at-gateway.ts";
import { readTaskTypes } from "../task-types/task-types.ts";
import { watchTask } from "../watch/watch-task.ts";
import { watchTasks } from "../watch/watch-tasks.ts";
import { globalsOf } from "./globals.ts";
import { labelValue, sequenceValue } from "./option-values.ts";

interface WatchCommandOptions {
  readonly after?: bigint;
  readonly label?: Readonly<Record<string, string>>;
}

const HELP = `
On a terminal it shows a progress bar for each task; piped, or with --json, one JSON line per event, and on standard
error why a task waits. It connects again when the connection breaks. Ctrl-C ends the watch, not the tasks. The exit code
is the task's; of several, that of the first, as they are listed, which did not succeed. A watch by labels shows the tasks
that run and those to come, and goes on until Ctrl-C.`;

export function addWatch(program: Command): void {
  program
    .command("watch")
    .description("watch tasks until they end")
    .argument("[id...]", "the tasks")
    .option("--label <key=value>", "all tasks that bear this label; may be repeated", labelValue)
    .option("--after <sequence>", "show only what came after this event of one task", sequenceValue)
    .addHelpText("after", HELP)
    .action(async (ids: string[], options: WatchCommandOptions, command: Command) => {
      process.exitCode = await watch([...new Set(ids)], options, command);
    });
}

function watch(
  taskIds: readonly string[],
  { after, label = {} }: WatchCommandOptions,
  command: Command,
): Promise<ExitCode> {
  const [taskId, ...others] = taskIds;
  const byLabels = Object.keys(label).length > 0;
  const single = taskId !== undefined && others.length === 0 && !byLabels;
  if (after !== undefined && !single) throw usage("--after is for the watch of one task");
  if (taskId === undefined && !byLabels) throw usage("name the tasks to watch, or --label");
  const { server, json } = globalsOf(command);
  return atGateway(server, async (tasks) => {
    const types = await readTaskTypes(tasks);
    if (!single) return watchTasks(tasks, { taskIds, labels: label, types, json });
    return watchTask(tasks, { taskId, afterSequence: after ?? 0n, types, json });
  });
}

function usage(text: string): CliError {
  return new CliError(text, { exitCode: ExitCode.USAGE });
}
