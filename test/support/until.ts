import { setTimeout } from "node:timers/promises";

/** Looks again and again until the fact is there; for facts that announce themselves to nobody. */
export async function until(fact: () => Promise<boolean> | boolean, withinMs = 30_000) {
  const deadline = Date.now() + withinMs;
  for (;;) {
    let cause: unknown;
    try {
      if (await fact()) return;
    } catch (error) {
      cause = error;
    }
    if (Date.now() > deadline)
      throw new Error(`still not so after ${withinMs} ms: ${fact}`, { cause });
    await setTimeout(20);
  }
}
