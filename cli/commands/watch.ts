import type { Command } from "commander";
import { atGateway } from "../gateway/at-gateway.ts";
import { readTaskTypes } from "../task-types/task-types.ts";
import { watchTask } from "../watch/watch-task.ts";
import { globalsOf } from "./globals.ts";
import { sequenceValue } from "./option-values.ts";

const HELP = `
On a terminal it shows a progress bar; piped, or with --json, one JSON line per event. It connects again when the
connection breaks. Ctrl-C ends the watch, not the task. The exit code is the task's.`;

export function addWatch(program: Command): void {
  program
    .command("watch")
    .description("watch a task until it ends")
    .argument("<id>", "the task")
    .option("--after <sequence>", "show only what came after this event", sequenceValue, 0n)
    .addHelpText("after", HELP)
    .action(async (taskId: string, { after }: { after: bigint }, command: Command) => {
      const { server, json } = globalsOf(command);
      process.exitCode = await atGateway(server, async (tasks) => {
        const types = await readTaskTypes(tasks);
        return watchTask(tasks, { taskId, afterSequence: after, types, json });
      });
    });
}
