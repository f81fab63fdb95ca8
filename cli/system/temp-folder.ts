import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { errorMessage } from "#lib/task/error-message.ts";
import { CliError } from "../cli-error.ts";
import { ExitCode } from "../exit-code.ts";

export interface TempFolder extends AsyncDisposable {
  readonly path: string;
}

/** A folder that is gone when disposed. */
export async function tempFolder(prefix: string): Promise<TempFolder> {
  const path = await newTempFolder(prefix);
  const remove = () => rm(path, { recursive: true, force: true });
  return { path, [Symbol.asyncDispose]: remove };
}

/** One that whoever asks for it removes. */
export async function newTempFolder(prefix: string): Promise<string> {
  try {
    return await mkdtemp(join(tmpdir(), prefix));
  } catch (error) {
    const reason = errorMessage(error);
    const text = `can't keep temporary files in ${tmpdir()} (${reason}); the variable TMPDIR chooses another folder`;
    throw new CliError(text, { exitCode: ExitCode.FAILED, cause: error });
  }
}
