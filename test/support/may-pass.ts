import { Code, ConnectError } from "@connectrpc/connect";
import { ErrorInfoSchema } from "#gen/google/rpc/error_details_pb.ts";

/** What a gateway says when asking again may help. */
const PASSING: readonly Code[] = [
  Code.Unavailable,
  Code.ResourceExhausted,
  Code.DeadlineExceeded,
  Code.Canceled,
  Code.Aborted,
];

/**
 * Whether a good caller asks again, with the same id. Every error of a gateway brings an ErrorInfo; one without is the
 * client's own word for a line that broke, under whatever code.
 */
export function mayPass(error: unknown): boolean {
  const told = ConnectError.from(error);
  return PASSING.includes(told.code) || told.findDetails(ErrorInfoSchema).length === 0;
}
