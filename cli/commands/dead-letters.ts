import { timestampDate } from "@bufbuild/protobuf/wkt";
import type { Command } from "commander";
import { type Task, TaskSchema } from "#gen/millrace/v1/task_pb.ts";
import type { DeadLetterFilter } from "#gen/millrace/v1/task_service_pb.ts";
import { wholeNumber } from "#lib/process/setting.ts";
import { toldAsJson } from "#lib/rpc/told-as-json.ts";
import { typeNameOf } from "#lib/task/task-type.ts";
import { atGateway, CALL, type Tasks } from "../gateway/at-gateway.ts";
import { readTaskTypes, shownName, type TaskTypes } from "../task-types/task-types.ts";
import { outputColumns, print, printJson, tell } from "../terminal/output.ts";
import { type Column, tableLines } from "../terminal/table.ts";
import { errorText } from "../watch/told.ts";
import { type FilterOptions, filterOf, withFilterOptions } from "./dead-letter-options.ts";
import { globalsOf } from "./globals.ts";

interface ListOptions extends FilterOptions {
  readonly limit: number;
}

const MAX_PAGE = 1_000;

export function addDeadLetters(program: Command): void {
  withFilterOptions(
    program
      .command("dead-letters")
      .description("list the tasks that failed for good, oldest first"),
  )
    .option("--limit <n>", "tasks to list, at most", wholeNumber(1, 1_000_000), 100)
    .action(async (options: ListOptions, command: Command) => {
      const { server, json } = globalsOf(command);
      await atGateway(server, async (tasks) => {
        const types = await readTaskTypes(tasks);
        const { found, more } = await listed(tasks, filterOf(options, types), options.limit);
        if (json) for (const task of found) printJson(toldAsJson(TaskSchema, task, types));
        else print(...table(found, types));
        if (more) tell(`there are more than ${options.limit}; see --limit`);
      });
    });
}

async function listed(tasks: Tasks, filter: DeadLetterFilter, limit: number) {
  const found: Task[] = [];
  let pageToken = "";
  do {
    // One more than asked for tells whether there are more.
    const pageSize = Math.min(MAX_PAGE, limit + 1 - found.length);
    const page = await tasks.listDeadLetters({ filter, pageSize, pageToken }, CALL);
    found.push(...page.tasks);
    pageToken = page.nextPageToken;
  } while (pageToken !== "" && found.length <= limit);
  return { found: found.slice(0, limit), more: found.length > limit };
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
