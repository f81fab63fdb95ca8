import { type KV, Kvm } from "@nats-io/kv";
import { ask } from "../link/ask.ts";
import type { Connected } from "../link/link.ts";

/** The bucket of what outlives every process: announced task types, settings of queues. Made if it is not there. */
export async function openConfigBucket({ js, names }: Connected, replicas: number): Promise<KV> {
  return ask(new Kvm(js).create(names.configBucket, { history: 1, replicas }));
}
