import type { StreamInfo } from "@nats-io/jetstream";

/** The broker's time when it told this; ours may be wrong. Missing in the client's types. */
export function brokersClock({ ts }: StreamInfo & { readonly ts?: string }): number {
  return ts ? Date.parse(ts) : Date.now();
}
