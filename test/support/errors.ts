import { ConnectError } from "@connectrpc/connect";
import { expect } from "vitest";
import { BadRequestSchema } from "#gen/google/rpc/error_details_pb.ts";

/** The error that the call ends with. */
export async function errorOf(call: Promise<unknown>): Promise<ConnectError> {
  return call.then(
    () => expect.unreachable("expected an error"),
    (error: unknown) => ConnectError.from(error),
  );
}

/** The fields that are wrong. */
export function violationsOf(error: ConnectError): string[] {
  const [details] = error.findDetails(BadRequestSchema);
  return details?.fieldViolations.map(({ field }) => field) ?? [];
}

/** The fields that are wrong, each with what is allowed. */
export function describedViolationsOf(error: ConnectError): string[] {
  const [details] = error.findDetails(BadRequestSchema);
  return details?.fieldViolations.map(({ field, description }) => `${field}: ${description}`) ?? [];
}
