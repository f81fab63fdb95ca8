import { Command, Option } from "commander";
import { complaintOf } from "#lib/process/escaped.ts";
import { refuseUnknown, withoutServiceLinks } from "#lib/process/load-settings.ts";
import { VERSION } from "#lib/process/version.ts";
import { addCancel } from "./commands/cancel.ts";
import { addDeadLetters } from "./commands/dead-letters.ts";
import { addDelete } from "./commands/delete.ts";
import { addDemo } from "./commands/demo.ts";
import { addGet } from "./commands/get.ts";
import { SERVER_VARIABLE } from "./commands/globals.ts";
import { addHelp } from "./commands/help.ts";
import { addQueues } from "./commands/queues.ts";
import { addRedrive } from "./commands/redrive.ts";
import { addRetry } from "./commands/retry.ts";
import { addSubmit } from "./commands/submit.ts";
import { addTypes } from "./commands/types.ts";
import { explainNoUnknown } from "./commands/unknown-command.ts";
import { addUp } from "./commands/up.ts";
import { addWatch } from "./commands/watch.ts";
import { EXIT_CODE_HELP } from "./exit-code.ts";
import { DEFAULT_SERVER } from "./gateway/at-gateway.ts";
import { print, tell } from "./terminal/output.ts";

/** `millrace` with all its commands. */
export function newProgram(env: NodeJS.ProcessEnv): Command {
  const program = new Command("millrace")
    .description("Typed, live background tasks over NATS JetStream.")
    .version(VERSION)
    .addOption(
      new Option("--server <host:port>", "gRPC door of a gateway")
        .env(SERVER_VARIABLE)
        .default(DEFAULT_SERVER),
    )
    .option("--json", "JSON for programs: one line per event, or one line in all")
    .configureHelp({ showGlobalOptions: true })
    .configureOutput({
      writeOut: (text) => print(...linesOf(text)),
      writeErr: (text) => tell(...linesOf(text)),
      // One line, whatever the words were that it complains of.
      outputError: (text, write) => write(`${complaintOf(text)}\n`),
    })
    .exitOverride()
    .addHelpText("afterAll", EXIT_CODE_HELP)
    .hook("preAction", () => refuseUnknown(withoutServiceLinks(env, () => {})));
  explainNoUnknown(program);
  addUp(program, env);
  addDemo(program, env);
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
  addHelp(program);
  return program;
}

/** What commander writes ends in a line end. */
function linesOf(text: string): string[] {
  return text.replace(/\n$/, "").split("\n");
}
