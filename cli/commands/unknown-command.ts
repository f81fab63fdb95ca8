import type { Command } from "commander";
import { didYouMean } from "#lib/process/did-you-mean.ts";

/** Refuses a word that is none of the command's own commands. */
export function refuseUnknownCommand(command: Command, word = command.args[0]): void {
  if (word === undefined || word.startsWith("-")) return;
  const names = command.commands.map((each) => each.name());
  if (names.includes(word)) return;
  command.error(`error: unknown command '${word}'${didYouMean(word, names)}`);
}

/** With --help behind a command that there is not, commander would explain the one above. */
export function explainNoUnknown(command: Command): void {
  command.on("beforeHelp", () => refuseUnknownCommand(command));
}
