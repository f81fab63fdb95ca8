import type { JsonValue } from "@bufbuild/protobuf";
import { CliError } from "#cli/cli-error.ts";
import { ExitCode } from "#cli/exit-code.ts";

/** `where` says to people which JSON it is, unless they know. */
export function parseJson(text: string, where?: string): JsonValue {
  try {
    return JSON.parse(text);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    const said = `this is not JSON: ${reason}`;
    throw new CliError(where === undefined ? said : `${where}: ${said}`, {
      exitCode: ExitCode.USAGE,
      cause: error,
    });
  }
}
