import { type DescMethod, fromBinary, type Message } from "@bufbuild/protobuf";
import type { Interceptor, MethodImplSpec } from "@connectrpc/connect";
// Not covered by semver: package.json pins the version, and the contract tests cover it.
import {
  createAsyncIterable,
  invokeUnaryImplementation,
  transformInvokeImplementation,
} from "@connectrpc/connect/protocol";
import type { handleClientStreamingCall, handleUnaryCall, Server } from "@grpc/grpc-js";
import { type DuplexCall, GrpcCall, type OutputStreamCall } from "./grpc-call.ts";
import { Refused } from "./refused.ts";
import { methodsOf, type Services } from "./services.ts";
import { bytesOf } from "./shared-message.ts";
import { refusalOf } from "./too-many-fields.ts";

type UnarySpec = MethodImplSpec & { readonly kind: "unary" };

/** Serves Connect implementations, with their interceptors, by a grpc-js server: a third of connect-node's CPU per call. */
export function mount(server: Server, services: Services, interceptors: Interceptor[]): void {
  for (const spec of methodsOf(services)) mountMethod(server, spec, interceptors);
}

function mountMethod(server: Server, spec: MethodImplSpec, interceptors: Interceptor[]): void {
  const { path, serialize, deserialize } = wireOf(spec.method);
  switch (spec.kind) {
    case "unary":
      server.register(path, unary(spec, interceptors), serialize, deserialize, "unary");
      return;
    case "client_streaming":
      server.register(
        path,
        inputStream(spec, interceptors),
        serialize,
        deserialize,
        "clientStream",
      );
      return;
    case "server_streaming": {
      const handle = (call: OutputStreamCall) =>
        void pump(spec, call, createAsyncIterable([call.request]), interceptors);
      server.register(path, handle, serialize, deserialize, "serverStream");
      return;
    }
    case "bidi_streaming": {
      const handle = (call: DuplexCall) => void pump(spec, call, inputOf(call), interceptors);
      server.register(path, handle, serialize, deserialize, "bidi");
      return;
    }
    default:
      spec satisfies never;
  }
}

function wireOf({ parent, name, input, output }: DescMethod) {
  return {
    path: `/${parent.typeName}/${name}`,
    serialize(message: Message): Buffer {
      const bytes = bytesOf(output, message);
      return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    },
    deserialize(bytes: Buffer): Message {
      const refusal = refusalOf(input, bytes);
      return refusal ? new Refused(refusal) : fromBinary(input, bytes);
    },
  };
}

function unary(spec: UnarySpec, interceptors: Interceptor[]): handleUnaryCall<Message, Message> {
  return async (given, answer) => {
    const call = new GrpcCall(spec, given);
    try {
      const { request } = given;
      const output = await invokeUnaryImplementation(spec, call.context, request, interceptors);
      call.over();
      call.sendHeader();
      answer(null, output, call.trailer);
    } catch (error) {
      call.over();
      answer(call.statusOf(error));
    }
  };
}

function inputStream(
  spec: MethodImplSpec,
  interceptors: Interceptor[],
): handleClientStreamingCall<Message, Message> {
  return async (given, answer) => {
    const call = new GrpcCall(spec, given);
    try {
      const invoke = transformInvokeImplementation(spec, call.context, interceptors);
      const [output] = await Array.fromAsync(invoke(given));
      call.sendHeader();
      answer(null, output ?? null, call.trailer);
    } catch (error) {
      answer(call.statusOf(error));
    } finally {
      call.over();
    }
  };
}

/** Left open when the input ends, for the output goes on. */
function inputOf(call: DuplexCall): AsyncIterable<Message> {
  return { [Symbol.asyncIterator]: () => call.iterator({ destroyOnReturn: false }) };
}

/** Serves one call whose output is a stream. */
async function pump(
  spec: MethodImplSpec,
  given: OutputStreamCall | DuplexCall,
  input: AsyncIterable<Message>,
  interceptors: Interceptor[],
): Promise<void> {
  const call = new GrpcCall(spec, given);
  try {
    const invoke = transformInvokeImplementation(spec, call.context, interceptors);
    await send(given, call, invoke(input));
    if (!call.ended) given.end(call.trailer);
  } catch (error) {
    // The way to end a grpc-js stream with a status. One that the caller canceled takes none.
    if (!call.ended) given.emit("error", call.statusOf(error));
  } finally {
    call.over();
  }
}

/**
 * Sends what the implementation yields, as fast as the caller reads: the next message is asked for when the last one is
 * on its way, so that a slow reader gets what is newest by then.
 */
async function send(
  given: OutputStreamCall | DuplexCall,
  call: GrpcCall,
  output: AsyncIterable<Message>,
): Promise<void> {
  const { signal } = call.context;
  let goOn = (): void => {};
  signal.addEventListener("abort", () => goOn());
  for await (const message of output) {
    if (signal.aborted) return;
    call.sendHeader();
    await new Promise<void>((resolve) => {
      goOn = resolve;
      given.write(message, () => resolve());
    });
  }
  call.sendHeader();
}
