import { setTimeout } from "node:timers/promises";

/** Looks again and again until the fact is there; for facts that announce themselves to nobody. */
export async function until(fact: () => Promise<boolean> | boolean, withinMs = 30_000) {
  const deadline = Date.now() + withinMs;
  for (;;) {
    if (await Promise.resolve(fact()).catch(() => false)) return;
    if (Date.now() > deadline) throw new Error(`still not so after ${withinMs} ms: ${fact}`);
    await setTimeout(20);
  }
}
