import { type KV, Kvm } from "@nats-io/kv";
import { ask } from "../link/ask.ts";
import type { Connected } from "../link/link.ts";
import { CONFIG_BUCKET } from "../names.ts";

/** The bucket of what outlives every process: announced task types, settings of queues. Made if it is not there. */
export async function openConfigBucket({ js }: Connected, replicas: number): Promise<KV> {
  return ask(new Kvm(js).create(CONFIG_BUCKET, { history: 1, replicas }));
}
