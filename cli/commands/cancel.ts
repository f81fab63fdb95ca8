import type { Command } from "commander";
import { TaskSchema } from "#gen/millrace/v1/task_pb.ts";
import { toldAsJson } from "#lib/rpc/told-as-json.ts";
import { atGateway, CALL } from "../gateway/at-gateway.ts";
import { readTaskTypes } from "../task-types/task-types.ts";
import { print, printJson } from "../terminal/output.ts";
import { globalsOf } from "./globals.ts";
import { loginName } from "./who.ts";

interface CancelOptions {
  readonly reason: string;
  readonly by: string;
}

export function addCancel(program: Command): void {
  program
    .command("cancel")
    .description("cancel a task that is not finished")
    .argument("<id>", "the task")
    .option("--reason <text>", "why; kept in the task", "")
    .option("--by <name>", "who asks; kept in the task", loginName())
    .action(async (taskId: string, { reason, by }: CancelOptions, command: Command) => {
      const { server, json } = globalsOf(command);
      await atGateway(server, async (tasks) => {
        const { task } = await tasks.cancelTask({ taskId, reason, requestedBy: by }, CALL);
        if (!task) return;
        if (json) printJson(toldAsJson(TaskSchema, task, await readTaskTypes(tasks)));
        else print(`${task.id} is canceled`);
      });
    });
}
