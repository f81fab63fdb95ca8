import { CliError } from "../cli-error.ts";
import { ExitCode } from "../exit-code.ts";
import { atGateway, type Tasks } from "../gateway/at-gateway.ts";
import { explained } from "../gateway/explained.ts";
import { tell } from "../terminal/output.ts";

/**
 * Does it for each of the tasks, one after the other. What can't be done for one holds up none of the others: it is told,
 * and the exit code is that of the first.
 */
export async function eachTask(
  server: string,
  taskIds: readonly string[],
  act: (tasks: Tasks, taskId: string) => Promise<void>,
): Promise<ExitCode> {
  const codes: ExitCode[] = [];
  await atGateway(server, async (tasks) => {
    for (const taskId of taskIds) {
      codes.push(await act(tasks, taskId).then(() => ExitCode.SUCCEEDED, told));
    }
  });
  return codes.find((code) => code !== ExitCode.SUCCEEDED) ?? ExitCode.SUCCEEDED;

  function told(error: unknown): ExitCode {
    const refused = explained(error, server);
    // What is wrong with the gateway, or with us, is not better with the next task.
    if (!(refused instanceof CliError) || refused.exitCode === ExitCode.UNAVAILABLE) throw error;
    tell(`error: ${refused.message}`);
    return refused.exitCode;
  }
}
