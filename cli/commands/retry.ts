import type { Command } from "commander";
import { TaskSchema } from "#gen/millrace/v1/task_pb.ts";
import { toldAsJson } from "#lib/rpc/told-as-json.ts";
import { CALL } from "../gateway/at-gateway.ts";
import { readTaskTypes } from "../task-types/task-types.ts";
import { print, printJson } from "../terminal/output.ts";
import { eachTask } from "./each-task.ts";
import { globalsOf } from "./globals.ts";
import { loginName } from "./who.ts";

const HELP = `
For tasks that have failed, expired or were canceled. Their history is kept; failures are counted from 0.`;

export function addRetry(program: Command): void {
  program
    .command("retry")
    .description("start tasks again that have ended without success")
    .argument("<id...>", "the tasks")
    .option("--by <name>", "who asks; kept in the tasks", loginName())
    .addHelpText("after", HELP)
    .action(async (ids: string[], { by }: { by: string }, command: Command) => {
      const { server, json } = globalsOf(command);
      process.exitCode = await eachTask(server, ids, async (tasks, taskId) => {
        const { task } = await tasks.retryTask({ taskId, requestedBy: by }, CALL);
        if (!task) return;
        if (json) printJson(toldAsJson(TaskSchema, task, await readTaskTypes(tasks)));
        else print(`${taskId} starts again`);
      });
    });
}
