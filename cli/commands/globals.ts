import type { Command } from "commander";
import { hostAndPort } from "#lib/process/addresses.ts";
import { quoted } from "#lib/process/escaped.ts";
import { CliError } from "../cli-error.ts";
import { ExitCode } from "../exit-code.ts";
import { DEFAULT_SERVER } from "../gateway/at-gateway.ts";

/** Options that every command has which calls a gateway. */
export interface Globals {
  readonly server: string;
  readonly json: boolean;
}

export const SERVER_VARIABLE = "MILLRACE_SERVER";

export function globalsOf(command: Command): Globals {
  return { server: serverOf(command), json: jsonOf(command) };
}

export function jsonOf(command: Command): boolean {
  return command.optsWithGlobals()["json"] === true;
}

/** An empty variable is how many systems spell "not set". */
function serverOf(command: Command): string {
  const { server } = command.optsWithGlobals();
  const isVariable = command.getOptionValueSourceWithGlobals("server") === "env";
  if (isVariable && server === "") return DEFAULT_SERVER;
  return checkedServer(server, isVariable ? SERVER_VARIABLE : "--server");
}

function checkedServer(server: string, name: string): string {
  try {
    hostAndPort(server.replace(/^https?:\/\//i, ""));
    return server;
  } catch (error) {
    const text = `${quoted(server)} is no host:port; ${name} says where`;
    throw new CliError(text, { exitCode: ExitCode.USAGE, cause: error });
  }
}
