import type { JsonValue } from "@bufbuild/protobuf";
import { CliError } from "#cli/cli-error.ts";
import { ExitCode } from "#cli/exit-code.ts";
import { errorMessage } from "#lib/task/error-message.ts";

/** The text of a file, without a mark of its byte order. `where` says to people which bytes they are. */
export function textFrom(bytes: Uint8Array, where: string): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new CliError(`${where} is not UTF-8`, { exitCode: ExitCode.USAGE, cause });
  }
}

/** `where` says to people which JSON it is, unless they know. */
export function parseJson(text: string, where?: string): JsonValue {
  try {
    return JSON.parse(text);
  } catch (error) {
    const reason = errorMessage(error);
    const said = `this is not JSON: ${reason}`;
    throw new CliError(where === undefined ? said : `${where}: ${said}`, {
      exitCode: ExitCode.USAGE,
      cause: error,
    });
  }
}
