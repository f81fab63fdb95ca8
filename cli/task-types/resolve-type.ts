import { CliError } from "#cli/cli-error.ts";
import { ExitCode } from "#cli/exit-code.ts";
import type { TaskType } from "#gen/millrace/v1/task_type_pb.ts";
import { didYouMean } from "#lib/process/did-you-mean.ts";

/** SummarizePage of millrace.tasks.v1.SummarizePage. */
function lastPart(name: string): string {
  return name.slice(name.lastIndexOf(".") + 1);
}

/** The type that someone means by its full name, its alias, or the last part of its name where only one has it. */
export function resolveType(given: string, types: readonly TaskType[]): TaskType {
  const exact = types.find(({ name, alias }) => name === given || alias === given);
  if (exact) return exact;
  const sameLastPart = types.filter(({ name }) => lastPart(name) === given);
  if (sameLastPart.length > 1) {
    const names = sameLastPart.map(({ name }) => name).join(", ");
    throw new CliError(`"${given}" could be any of ${names}`, { exitCode: ExitCode.USAGE });
  }
  return sameLastPart[0] ?? unknown(given, types);
}

function unknown(given: string, types: readonly TaskType[]): never {
  if (types.length === 0) {
    const text = `no worker has announced a task type yet, so "${given}" is not known`;
    throw new CliError(text, { exitCode: ExitCode.UNAVAILABLE });
  }
  const spellings = types.flatMap(({ name, alias }) => [alias, lastPart(name), name]);
  const known = types.map(({ name, alias }) => alias || name).join(", ");
  const hint = didYouMean(given, spellings.filter(Boolean));
  throw new CliError(`there is no task type "${given}"${hint}; known: ${known}`, {
    exitCode: ExitCode.USAGE,
  });
}
