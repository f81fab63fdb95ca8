import type { Command } from "commander";
import { refuseUnknownCommand } from "./unknown-command.ts";

/** `help queues parked`: commander's own help command looks at the first name only. */
export function addHelp(program: Command): void {
  program
    .helpCommand(false)
    .command("help")
    .description("explain a command")
    .argument("[command...]", "the command, and its subcommand if it has any")
    .action((names: readonly string[]) => {
      names.reduce(subcommandOf, program).help();
    });
}

function subcommandOf(command: Command, name: string): Command {
  const found = command.commands.find((one) => one.name() === name);
  if (found) return found;
  refuseUnknownCommand(command, name);
  return command;
}
