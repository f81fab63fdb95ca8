import { execFile } from "node:child_process";
import { promisify } from "node:util";

const run = promisify(execFile);

/** grpcurl of this machine, if it has one. */
export async function grpcurlBin(): Promise<string | undefined> {
  try {
    await run("grpcurl", ["-version"]);
    return "grpcurl";
  } catch {
    return undefined;
  }
}
