import type { Message, Registry } from "@bufbuild/protobuf";
import type { Interceptor } from "@connectrpc/connect";
import { hooked } from "./call-stream.ts";
import { sayable } from "./told-as-json.ts";

type Request = Parameters<ReturnType<Interceptor>>[0];

/**
 * Leaves out of an answer in JSON what JSON can't say: an input of a type that nobody announces any more, an output with a
 * NaN in it. Else one such task would take the answer, or the whole page of others, with it.
 */
export function leaveOutNoJson(registry: Registry): Interceptor {
  return (next) => async (request) => {
    const response = await next(request);
    if (!isJson(request)) return response;
    const { output } = request.method;
    if (!response.stream) {
      return { ...response, message: sayable(output, response.message, registry) };
    }
    const mapItem = (item: Message) => sayable(output, item, registry);
    return { ...response, message: hooked(response.message, { mapItem }) };
  };
}

function isJson({ header, requestMethod, url }: Request): boolean {
  if (requestMethod === "GET") return new URL(url).searchParams.get("encoding") === "json";
  return header.get("content-type")?.includes("json") ?? false;
}
