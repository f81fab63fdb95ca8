import { setTimeout } from "node:timers/promises";
import { mayPass } from "./may-pass.ts";
import type { Script } from "./scripted-worker/scripted.ts";
import { type Gateway, scriptOf } from "./system.ts";

const AGAIN_MS = 200;
/** A gateway that is frozen does not answer. */
const ANSWER_WITHIN_MS = 10_000;

/** Submits as a good caller does: with its own id, again and again, through whichever gateway is there, until accepted. */
export async function submitPatiently(
  gateways: () => readonly Gateway[],
  taskId: string,
  script: Script,
): Promise<void> {
  await askPatiently(gateways, ({ client }) =>
    client.submitTask(
      { taskId, spec: { input: scriptOf(script) } },
      { timeoutMs: ANSWER_WITHIN_MS },
    ),
  );
}

/** Asks one gateway after the other until one answers. An error that will not pass is thrown. */
export async function askPatiently<T>(
  gateways: () => readonly Gateway[],
  ask: (gateway: Gateway) => Promise<T>,
): Promise<T> {
  for (let turn = 0; ; turn += 1) {
    const all = gateways();
    const gateway = all[turn % all.length];
    try {
      if (gateway) return await ask(gateway);
    } catch (error) {
      if (!mayPass(error)) throw error;
    }
    await setTimeout(AGAIN_MS);
  }
}
