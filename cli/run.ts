import { CommanderError } from "commander";
import { StartupError } from "#lib/process/startup-error.ts";
import { VERSION } from "#lib/process/version.ts";
import { CliError } from "./cli-error.ts";
import { ExitCode } from "./exit-code.ts";
import { NatsServerError } from "./nats-server/nats-server-error.ts";
import { newProgram } from "./program.ts";
import { endWithOutput } from "./terminal/output-lost.ts";

endWithOutput();

try {
  await newProgram(process.env).parseAsync(process.argv);
} catch (error) {
  process.exitCode = complain(error);
}

/** What whoever typed the command can put right is told in a line; only a bug shows where it is. */
function complain(error: unknown): ExitCode {
  // Commander has printed what it has to say.
  if (error instanceof CommanderError)
    return error.exitCode === 0 ? ExitCode.SUCCEEDED : ExitCode.USAGE;
  if (error instanceof CliError) return say(error.message, error.exitCode);
  if (error instanceof StartupError) return say(error.message, ExitCode.USAGE);
  if (error instanceof NatsServerError) return say(error.message, ExitCode.FAILED);
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return say(`this is a bug of millrace ${VERSION}: ${text}`, ExitCode.BUG);
}

function say(message: string, exitCode: ExitCode): ExitCode {
  process.stderr.write(`error: ${message}\n`);
  return exitCode;
}
