import type { Socket } from "node:net";
import { type ContextValues, createContextKey, createContextValues } from "@connectrpc/connect";

/** Who makes a call, as the door saw it. */
interface Caller {
  readonly peer: string;
  /** Whether the caller set a deadline of its own. */
  readonly hasDeadline: boolean;
}

const CALLER = createContextKey<Caller>(
  { peer: "unknown", hasDeadline: false },
  { description: "caller" },
);

export function callerValues(caller: Caller): ContextValues {
  return createContextValues().set(CALLER, caller);
}

export function callerOf({ contextValues }: { readonly contextValues: ContextValues }): Caller {
  return contextValues.get(CALLER);
}

/** The other end of a connection; unknown of one that was gone before we had it. */
export function peerOf(socket: Socket | undefined): string {
  const { remoteAddress, remotePort } = socket ?? {};
  return remoteAddress === undefined ? "unknown" : `${remoteAddress}:${remotePort}`;
}
