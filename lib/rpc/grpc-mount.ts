import type { DescMethod, Message } from "@bufbuild/protobuf";
import { ConnectError, type Interceptor, type MethodImplSpec } from "@connectrpc/connect";
// Not covered by semver: package.json pins the version, and the contract tests cover it.
import {
  invokeUnaryImplementation,
  transformInvokeImplementation,
} from "@connectrpc/connect/protocol";
import { type Server, ServerInterceptingCall, type ServerInterceptor } from "@grpc/grpc-js";
import type { GrpcArrivals } from "./grpc-arrivals.ts";
import { GrpcCall } from "./grpc-call.ts";
import type { CallChain } from "./interceptors.ts";
import { refuse } from "./refuse.ts";
import { invokeServerStreaming } from "./server-stream.ts";
import { methodsOf, type Services } from "./services.ts";
import { toConnectError } from "./translate-errors.ts";

/** Connect implementations, to be served with their interceptors by grpc-js: a third of connect-node's CPU per call. */
export class GrpcMount {
  readonly #specs: ReadonlyMap<string, MethodImplSpec>;
  readonly #chain: CallChain;

  constructor(services: Services, chain: CallChain) {
    this.#specs = new Map(methodsOf(services).map((spec) => [pathOf(spec.method), spec]));
    this.#chain = chain;
  }

  get paths(): Iterable<string> {
    return this.#specs.keys();
  }

  /** Tells the server the methods. Their messages are read and written by the calls themselves. */
  register(server: Server): void {
    for (const path of this.paths) server.register(path, () => {}, asIs, asIs, "unary");
  }

  /**
   * Takes each call before grpc-js makes the request and response of it that its own handlers get: they can't tell all
   * that is wrong with a request, and cost a stream each.
   */
  interceptor(arrivals: GrpcArrivals): ServerInterceptor {
    return ({ path }, given) => {
      const spec = this.#specs.get(path);
      if (spec === undefined) return new ServerInterceptingCall(given);
      const arrival = arrivals.newest;
      const start = () => void serve(spec, new GrpcCall(spec, given, arrival), this.#chain);
      return new ServerInterceptingCall(given, { start });
    };
  }
}

function pathOf({ parent, name }: DescMethod): string {
  return `/${parent.typeName}/${name}`;
}

function asIs(bytes: Buffer): Buffer {
  return bytes;
}

async function serve(spec: MethodImplSpec, call: GrpcCall, chain: CallChain): Promise<void> {
  try {
    if (spec.kind === "unary") await answer(spec, call, chain);
    else await stream(spec, call, chain);
    call.succeed();
  } catch (error) {
    call.fail(error instanceof ConnectError ? error : toConnectError(error));
  }
}

async function answer(
  spec: MethodImplSpec & { readonly kind: "unary" },
  call: GrpcCall,
  { all, outer }: CallChain,
): Promise<void> {
  const { context, input } = call;
  const request = await input.single().catch(async (fault: unknown) => {
    const refused = { ...context, header: context.requestHeader, contextValues: context.values };
    throw await refuse(refused, fault, outer);
  });
  call.send(await invokeUnaryImplementation(spec, context, request, all));
}

/** Sends what the implementation yields, as fast as the caller reads. */
async function stream(spec: MethodImplSpec, call: GrpcCall, { all }: CallChain): Promise<void> {
  for await (const message of await messagesOf(spec, call, all)) {
    call.send(message);
    await call.sent();
  }
}

function messagesOf(
  spec: MethodImplSpec,
  call: GrpcCall,
  interceptors: Interceptor[],
): AsyncIterable<Message> | Promise<AsyncIterable<Message>> {
  if (spec.kind === "server_streaming") return invokeServerStreaming(spec, call, interceptors);
  return transformInvokeImplementation(spec, call.context, interceptors)(call.input);
}
