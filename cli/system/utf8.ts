import { CliError } from "../cli-error.ts";
import { ExitCode } from "../exit-code.ts";

/** The text, without a mark of its byte order. `where` says to people which bytes they are. */
export function textFrom(bytes: Uint8Array, where: string): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new CliError(`${where} is not UTF-8`, { exitCode: ExitCode.USAGE, cause });
  }
}
