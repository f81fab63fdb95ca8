import type { Setting } from "#lib/process/setting.ts";
import { CliError } from "../cli-error.ts";
import { ExitCode } from "../exit-code.ts";

/** What a service that gets this environment will take for the setting. */
export function settingValue<T>(setting: Setting<T>, env: NodeJS.ProcessEnv): T {
  const given = env[setting.env];
  if (given === undefined || given === "") return setting.fallback;
  try {
    return setting.parse(given);
  } catch (error) {
    const allowed = error instanceof Error ? error.message : String(error);
    const text = `${setting.env}: "${given}" ${allowed}`;
    throw new CliError(text, { exitCode: ExitCode.USAGE, cause: error });
  }
}
