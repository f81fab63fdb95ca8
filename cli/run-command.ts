import { CommanderError } from "commander";
import { StartupError } from "#lib/process/startup-error.ts";
import { VERSION } from "#lib/process/version.ts";
import { CliError } from "./cli-error.ts";
import { ExitCode } from "./exit-code.ts";
import { NatsServerError } from "./nats-server/nats-server-error.ts";
import { newProgram } from "./program.ts";
import { tell } from "./terminal/output.ts";

/** Does what the words after `millrace` say. What goes wrong is told, and becomes the exit code. */
export async function runCommand(words: readonly string[], env: NodeJS.ProcessEnv): Promise<void> {
  try {
    await newProgram(env).parseAsync(words, { from: "user" });
  } catch (error) {
    process.exitCode = complain(error);
  }
}

/** What whoever typed the command can put right is told in a line; only a bug shows where it is. */
function complain(error: unknown): ExitCode {
  // Commander has printed what it has to say.
  if (error instanceof CommanderError)
    return error.exitCode === 0 ? ExitCode.SUCCEEDED : ExitCode.USAGE;
  if (error instanceof CliError) return say([error.message], error.exitCode);
  if (error instanceof StartupError) return say([error.message], ExitCode.USAGE);
  // Of our own making, and of several lines.
  if (error instanceof NatsServerError) return say(error.message.split("\n"), ExitCode.FAILED);
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return say(`this is a bug of millrace ${VERSION}: ${text}`.split("\n"), ExitCode.BUG);
}

function say([first, ...more]: readonly string[], exitCode: ExitCode): ExitCode {
  tell(`error: ${first}`, ...more);
  return exitCode;
}
