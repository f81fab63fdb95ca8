import type { IncomingMessage, ServerResponse } from "node:http";
import { Code, ConnectError } from "@connectrpc/connect";
import { errorToJson } from "@connectrpc/connect/protocol-connect";
import type { Log } from "#lib/process/log.ts";
import { errorInfo } from "./error-details.ts";

const MAX_PATH_CHARS = 200;

/** Why a request is not even looked at. */
export interface Refusal {
  /** For programs. */
  readonly reason: "HOST_NOT_ALLOWED" | "ORIGIN_NOT_ALLOWED";
  /** For people: what to do about it. */
  readonly message: string;
}

/** Answers with 403, in the form of a Connect error. */
export function refuse(
  { url = "" }: IncomingMessage,
  response: ServerResponse,
  { reason, message }: Refusal,
  log: Log,
): true {
  log.info(
    { path: url.split("?")[0]?.slice(0, MAX_PATH_CHARS), reason: message },
    "request refused",
  );
  const error = new ConnectError(message, Code.PermissionDenied, undefined, [errorInfo(reason)]);
  response.writeHead(403, { "content-type": "application/json", "cache-control": "no-store" });
  response.end(JSON.stringify(errorToJson(error, undefined)));
  return true;
}
