import type { JsonValue } from "@bufbuild/protobuf";
import { CliError } from "#cli/cli-error.ts";
import { ExitCode } from "#cli/exit-code.ts";

/** `where` says to people which JSON it is. */
export function parseJson(text: string, where: string): JsonValue {
  try {
    return JSON.parse(text);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new CliError(`${where}: this is not JSON: ${reason}`, {
      exitCode: ExitCode.USAGE,
      cause: error,
    });
  }
}
