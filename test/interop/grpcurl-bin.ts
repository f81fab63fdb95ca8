import { execFile } from "node:child_process";
import { promisify } from "node:util";

const run = promisify(execFile);

/** grpcurl of this machine, if it has one: GRPCURL_BIN, or the PATH. */
export async function grpcurlBin(): Promise<string | undefined> {
  const bin = process.env["GRPCURL_BIN"] ?? "grpcurl";
  try {
    await run(bin, ["-version"]);
    return bin;
  } catch {
    return undefined;
  }
}
