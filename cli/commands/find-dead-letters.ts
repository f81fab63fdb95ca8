import { create } from "@bufbuild/protobuf";
import type { Task } from "#gen/millrace/v1/task_pb.ts";
import { type DeadLetterFilter, DeadLetterFilterSchema } from "#gen/millrace/v1/task_service_pb.ts";
import { quoted } from "#lib/process/escaped.ts";
import { CliError } from "../cli-error.ts";
import { ExitCode } from "../exit-code.ts";
import { CALL, type Queues, type Tasks } from "../gateway/at-gateway.ts";

const MAX_PAGE = 1_000;

export async function findDeadLetters(tasks: Tasks, filter: DeadLetterFilter, limit: number) {
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

/**
 * For where nothing was found: a queue that there is not is most likely misspelled, unless it has dead letters from a time
 * when there was one of that name.
 */
export async function refuseUnknownQueue(
  tasks: Tasks,
  client: Queues,
  { queue }: DeadLetterFilter,
): Promise<void> {
  if (queue === "") return;
  const names = (await client.listQueues({}, CALL)).queues.map(({ name }) => name);
  if (names.includes(queue)) return;
  const { found } = await findDeadLetters(tasks, create(DeadLetterFilterSchema, { queue }), 1);
  if (found.length > 0) return;
  throw new CliError(`there is no queue ${quoted(queue)}; there are: ${names.join(", ")}`, {
    exitCode: ExitCode.NOT_FOUND,
  });
}
