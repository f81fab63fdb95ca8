import { create } from "@bufbuild/protobuf";
import { ConnectError, type Interceptor, type MethodImplSpec } from "@connectrpc/connect";
import { toConnectError } from "./translate-errors.ts";

type AnyFn = ReturnType<Interceptor>;
type Request = Extract<Parameters<AnyFn>[0], { readonly stream: false }>;

/** A call whose request can't be read. */
export type RefusedCall = Omit<Request, "stream" | "message" | "method" | "service"> &
  Pick<MethodImplSpec, "method">;

/** Ends the call as if its handler had failed, and gives what its caller is to be told. */
export async function refuse(
  call: RefusedCall,
  error: unknown,
  outer: readonly Interceptor[],
): Promise<ConnectError> {
  const fail: AnyFn = () => Promise.reject(error);
  const run = outer.reduceRight((next, interceptor) => interceptor(next), fail);
  const { method } = call;
  // Of whatever kind it is: nobody gets to read the message.
  const request = { ...call, stream: false, service: method.parent, message: create(method.input) };
  const told: unknown = await run(request as Request).catch((thrown: unknown) => thrown);
  return told instanceof ConnectError ? told : toConnectError(told);
}
