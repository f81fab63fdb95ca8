import type { Message } from "@bufbuild/protobuf";
import type { HandlerContext, Interceptor, MethodImplSpec } from "@connectrpc/connect";
import { type GrpcInput, singleOf } from "./grpc-input.ts";

type Invoke = ReturnType<Interceptor>;
type ServerStreaming = MethodImplSpec & { readonly kind: "server_streaming" };

/**
 * Calls an implementation that answers one request by many messages, with its interceptors. As connect does, but each message
 * passes through half as many promises.
 */
export async function invokeServerStreaming(
  { impl, method }: ServerStreaming,
  { context, input }: { readonly context: HandlerContext; readonly input: GrpcInput },
  interceptors: readonly Interceptor[],
): Promise<AsyncIterable<Message>> {
  const answer = { method, header: context.responseHeader, trailer: context.responseTrailer };
  const innermost: Invoke = async (request) => {
    if (!request.stream) throw noStream();
    const { header: requestHeader, contextValues: values, signal } = request;
    const called = { ...context, requestHeader, values, signal };
    const message = impl(await singleOf(request.message), called) as AsyncIterable<Message>;
    return { ...answer, service: method.parent, stream: true, message };
  };
  const outermost = interceptors.reduceRight<Invoke>((next, wrap) => wrap(next), innermost);
  const { service, requestMethod, url, signal } = context;
  const asked = { service, requestMethod, url, signal, method, message: input };
  const { requestHeader: header, values: contextValues } = context;
  const response = await outermost({ ...asked, stream: true, header, contextValues });
  if (!response.stream) throw noStream();
  return response.message;
}

function noStream(): Error {
  return new Error("an interceptor has made one message of a stream");
}
