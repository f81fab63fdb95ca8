import { Code, ConnectError } from "@connectrpc/connect";
import { STOPPED } from "./call-stream.ts";
import { codeName } from "./code-name.ts";

/** The code with which a call failed. */
export function codeOf(error: unknown): Code {
  return error === STOPPED ? Code.Canceled : ConnectError.from(error).code;
}

/** How a call ended, in gRPC's words: `OK` without an error. */
export function endOf(error: unknown): string {
  return error === undefined ? "OK" : codeName(codeOf(error));
}
