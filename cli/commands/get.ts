import type { Command } from "commander";
import { TaskSchema } from "#gen/millrace/v1/task_pb.ts";
import { toldAsJson } from "#lib/rpc/told-as-json.ts";
import { atGateway, CALL } from "../gateway/at-gateway.ts";
import { readTaskTypes } from "../task-types/task-types.ts";
import { outputColumns, print, printJson } from "../terminal/output.ts";
import { globalsOf } from "./globals.ts";
import { taskLines } from "./task-lines.ts";

export function addGet(program: Command): void {
  program
    .command("get")
    .description("show a task as it stands")
    .argument("<id>", "the task")
    .action(async (taskId: string, _options: object, command: Command) => {
      const { server, json } = globalsOf(command);
      await atGateway(server, async (tasks) => {
        const [types, { task }] = await Promise.all([
          readTaskTypes(tasks),
          tasks.getTask({ taskId }, CALL),
        ]);
        if (!task) return;
        if (json) printJson(toldAsJson(TaskSchema, task, types));
        else print(...taskLines(task, types, outputColumns()));
      });
    });
}
