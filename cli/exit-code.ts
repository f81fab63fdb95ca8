import { TaskState } from "#gen/millrace/v1/task_pb.ts";

/** How `millrace` ends. Scripts rely on these numbers, so they never change. */
export const ExitCode = {
  SUCCEEDED: 0,
  FAILED: 1,
  USAGE: 2,
  NOT_FOUND: 3,
  UNAVAILABLE: 4,
  CANCELED: 5,
  EXPIRED: 6,
  REFUSED: 7,
  BUG: 70,
  INTERRUPTED: 130,
  OUTPUT_CLOSED: 141,
} as const;

export type ExitCode = (typeof ExitCode)[keyof typeof ExitCode];

export const EXIT_CODE_HELP = `
Exit codes:
  0    done; the watched task succeeded
  1    the watched task failed; \`up\` or \`demo\` could not start; the output
       could not be written
  2    the command line or the input is wrong
  3    there is no such task, or no such queue
  4    nobody answers, or not now: try again later
  5    the watched task was canceled
  6    the watched task expired
  7    refused, and trying again won't help: the task is finished, the id is taken,
       more tasks wait than were confirmed
  70   a bug of this program
  130  interrupted by Ctrl-C; a watched task goes on
  141  what read the output hung up, for instance \`head\``;

/** The exit code of a watch of a task that ended so. */
export function exitCodeOf(state: TaskState): ExitCode {
  switch (state) {
    case TaskState.SUCCEEDED:
      return ExitCode.SUCCEEDED;
    case TaskState.CANCELED:
      return ExitCode.CANCELED;
    case TaskState.EXPIRED:
      return ExitCode.EXPIRED;
    default:
      return ExitCode.FAILED;
  }
}
