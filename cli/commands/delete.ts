import { toJson } from "@bufbuild/protobuf";
import type { Command } from "commander";
import { DeleteTaskResponseSchema } from "#gen/millrace/v1/task_service_pb.ts";
import { CALL } from "../gateway/at-gateway.ts";
import { print, printJson } from "../terminal/output.ts";
import { eachTask } from "./each-task.ts";
import { globalsOf } from "./globals.ts";

export function addDelete(program: Command): void {
  program
    .command("delete")
    .description("remove tasks that have ended, with their history")
    .argument("<id...>", "the tasks")
    .action(async (ids: string[], _options: object, command: Command) => {
      const { server, json } = globalsOf(command);
      process.exitCode = await eachTask(server, ids, async (tasks, taskId) => {
        const response = await tasks.deleteTask({ taskId }, CALL);
        const said = response.deleted ? `${taskId} is deleted` : `${taskId} is not there`;
        const answer = { taskId, ...Object(toJson(DeleteTaskResponseSchema, response)) };
        if (json) printJson(answer);
        else print(said);
      });
    });
}
