import { Code, ConnectError } from "@connectrpc/connect";
// Not covered by semver: package.json pins the version, and the contract tests cover it.
import { setTrailerStatus } from "@connectrpc/connect/protocol-grpc";
import type { ServerInterceptingCallInterface } from "@grpc/grpc-js";
import { MAX_MESSAGE_BYTES } from "./door.ts";
import { SentHeaders } from "./grpc-metadata.ts";
import { unreadable } from "./translate-errors.ts";

type Status = Parameters<ServerInterceptingCallInterface["sendStatus"]>[0];

/** What grpc-js would send for "OK" beside the status, and no other server does. */
const NO_MESSAGE = { "grpc-message": undefined };

export function okStatus(trailer: Headers): Status {
  return { code: 0, details: "", metadata: new SentHeaders(trailer, NO_MESSAGE) };
}

/** The error in the form that grpc-js sends, google.rpc details included. */
export function errorStatus(error: ConnectError, trailer: Headers): Status {
  const headers = setTrailerStatus(new Headers(trailer), error);
  // grpc-js writes these two itself.
  headers.delete("grpc-status");
  headers.delete("grpc-message");
  const code: number = error.code;
  // A lone surrogate would make its encoder throw.
  return { code, details: error.rawMessage.toWellFormed(), metadata: new SentHeaders(headers) };
}

/** What grpc-js itself finds wrong with a request: with its size or its compression. */
export function requestFault({ code: given, details }: Status): ConnectError {
  const code: number | null | undefined = given;
  if (code !== Code.ResourceExhausted) return unreadable(details ?? undefined);
  const text = `a message of the request has more than the ${MAX_MESSAGE_BYTES} bytes that it may have`;
  return new ConnectError(text, code);
}
