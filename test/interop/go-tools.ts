import { execFile } from "node:child_process";
import { promisify } from "node:util";

const run = promisify(execFile);

/** A tool that .ci/run installs where there is Go; undefined on a machine that does not have it. */
export async function toolBin(name: string, versionFlag: string): Promise<string | undefined> {
  try {
    await run(name, [versionFlag]);
    return name;
  } catch {
    return undefined;
  }
}
