import { ConnectError, type Interceptor } from "@connectrpc/connect";
import { ErrorInfoSchema } from "#gen/google/rpc/error_details_pb.ts";
import { hooked } from "#lib/rpc/call-stream.ts";

/** Takes off what our doors add to every error: the runner wants the details that it asked for, and no others. */
export const withoutErrorInfo: Interceptor = (next) => async (request) => {
  try {
    const response = await next(request);
    if (!response.stream) return response;
    return { ...response, message: hooked(response.message, { mapError: strip }) };
  } catch (error) {
    throw strip(error);
  }
};

function strip(error: unknown): unknown {
  if (error instanceof ConnectError) error.details = error.details.filter((each) => !isOurs(each));
  return error;
}

function isOurs(detail: ConnectError["details"][number]): boolean {
  return "desc" in detail && detail.desc.typeName === ErrorInfoSchema.typeName;
}
