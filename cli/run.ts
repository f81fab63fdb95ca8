import { Command, CommanderError, Option } from "commander";
import { StartupError } from "#lib/process/startup-error.ts";
import { VERSION } from "#lib/process/version.ts";
import { CliError } from "./cli-error.ts";
import { addCancel } from "./commands/cancel.ts";
import { addDeadLetters } from "./commands/dead-letters.ts";
import { addDelete } from "./commands/delete.ts";
import { addDemo } from "./commands/demo.ts";
import { addGet } from "./commands/get.ts";
import { addQueues } from "./commands/queues.ts";
import { addRedrive } from "./commands/redrive.ts";
import { addRetry } from "./commands/retry.ts";
import { addSubmit } from "./commands/submit.ts";
import { addTypes } from "./commands/types.ts";
import { addUp } from "./commands/up.ts";
import { addWatch } from "./commands/watch.ts";
import { EXIT_CODE_HELP, ExitCode } from "./exit-code.ts";
import { DEFAULT_SERVER } from "./gateway/at-gateway.ts";
import { NatsServerError } from "./nats-server/nats-server-error.ts";
import { endWithOutput } from "./terminal/output-lost.ts";

endWithOutput();

const program = new Command("millrace")
  .description("Typed, live background tasks over NATS JetStream.")
  .version(VERSION)
  .addOption(
    new Option("--server <host:port>", "gRPC door of a gateway")
      .env("MILLRACE_SERVER")
      .default(DEFAULT_SERVER),
  )
  .option("--json", "JSON for programs: one line per event, or one line in all")
  .configureHelp({ showGlobalOptions: true })
  .exitOverride()
  .addHelpText("afterAll", EXIT_CODE_HELP);

addUp(program, process.env);
addDemo(program, process.env);
addSubmit(program);
addWatch(program);
addGet(program);
addCancel(program);
addRetry(program);
addDelete(program);
addDeadLetters(program);
addRedrive(program);
addTypes(program);
addQueues(program);

try {
  await program.parseAsync(process.argv);
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
