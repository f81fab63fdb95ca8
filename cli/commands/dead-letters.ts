import { timestampDate } from "@bufbuild/protobuf/wkt";
import type { Command } from "commander";
import { type Task, TaskSchema } from "#gen/millrace/v1/task_pb.ts";
import { wholeNumber } from "#lib/process/setting.ts";
import { toldAsJson } from "#lib/rpc/told-as-json.ts";
import { typeNameOf } from "#lib/task/task-type.ts";
import { atGateway } from "../gateway/at-gateway.ts";
import { readTaskTypes, shownName, type TaskTypes } from "../task-types/task-types.ts";
import { outputColumns, print, printJson, tell } from "../terminal/output.ts";
import { type Column, tableLines } from "../terminal/table.ts";
import { errorText } from "../watch/told.ts";
import { type FilterOptions, filterOf, withFilterOptions } from "./dead-letter-options.ts";
import { findDeadLetters, refuseUnknownQueue } from "./find-dead-letters.ts";
import { globalsOf } from "./globals.ts";

interface ListOptions extends FilterOptions {
  readonly limit: number;
}

export function addDeadLetters(program: Command): void {
  withFilterOptions(
    program
      .command("dead-letters")
      .description("list the tasks that failed for good, oldest first"),
  )
    .option("--limit <n>", "tasks to list, at most", wholeNumber(1, 1_000_000), 100)
    .action((options: ListOptions, command: Command) => list(options, command));
}

function list(options: ListOptions, command: Command): Promise<void> {
  const { server, json } = globalsOf(command);
  return atGateway(server, async (tasks, queues) => {
    const types = await readTaskTypes(tasks);
    const filter = filterOf(options, types);
    const { found, more } = await findDeadLetters(tasks, filter, options.limit);
    if (found.length === 0) await refuseUnknownQueue(tasks, queues, filter);
    if (json) for (const task of found) printJson(toldAsJson(TaskSchema, task, types));
    else print(...table(found, types));
    if (more) tell(`there are more than ${options.limit}; see --limit`);
  });
}

function table(tasks: readonly Task[], types: TaskTypes): string[] {
  if (tasks.length === 0) return ["no dead letters"];
  const column = (title: string, cell: (task: Task) => string): Column<Task> => ({
    title,
    align: "left",
    cell,
  });
  const failedAt = ({ endTime }: Task) => (endTime ? timestampDate(endTime).toISOString() : "");
  const typeName = ({ spec }: Task) => typeNameOf(spec?.input);
  const columns: readonly Column<Task>[] = [
    column("task", ({ id }) => id),
    { ...column("failed", failedAt), need: 2 },
    { ...column("queue", ({ spec }) => spec?.queue ?? ""), need: 1 },
    { ...column("type", (task) => shownName(typeName(task), types)), need: 3 },
    { ...column("error", errorText), wraps: true },
  ];
  return tableLines(columns, tasks, outputColumns());
}
