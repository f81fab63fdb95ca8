import { ConnectError } from "@connectrpc/connect";
// Not covered by semver: package.json pins the version, and the contract tests cover it.
import { setTrailerStatus } from "@connectrpc/connect/protocol-grpc";
import type { ServerErrorResponse } from "@grpc/grpc-js";
import { toMetadata } from "./grpc-metadata.ts";
import { toConnectError } from "./translate-errors.ts";

/** The error in the form that grpc-js sends, google.rpc details included. */
export function toServiceError(error: unknown, trailer: Headers): ServerErrorResponse {
  const answer = error instanceof ConnectError ? error : toConnectError(error);
  const headers = setTrailerStatus(new Headers(trailer), answer);
  // grpc-js writes these two itself.
  headers.delete("grpc-status");
  headers.delete("grpc-message");
  const code: number = answer.code;
  return Object.assign(new Error(answer.rawMessage), {
    code,
    details: answer.rawMessage,
    metadata: toMetadata(headers),
  });
}
