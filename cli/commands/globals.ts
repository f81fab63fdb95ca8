import type { Command } from "commander";

/** Options that every command has. */
export interface Globals {
  readonly server: string;
  readonly json: boolean;
}

export function globalsOf(command: Command): Globals {
  const { server, json } = command.optsWithGlobals();
  return { server, json: json === true };
}
