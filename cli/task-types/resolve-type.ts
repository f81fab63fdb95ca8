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
  const named = types.find(({ name }) => name === given);
  const meant =
    named ??
    onlyOne(
      given,
      types.filter(({ alias }) => alias === given),
    ) ??
    onlyOne(
      given,
      types.filter(({ name }) => lastPart(name) === given),
    );
  return meant ?? unknown(given, types);
}

function onlyOne(given: string, found: readonly TaskType[]): TaskType | undefined {
  if (found.length <= 1) return found[0];
  const names = found.map(({ name }) => name).join(", ");
  throw new CliError(`"${given}" could be any of ${names}`, { exitCode: ExitCode.USAGE });
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
