import { setTimeout } from "node:timers/promises";
import { Code, ConnectError } from "@connectrpc/connect";
import type { Script } from "./scripted-worker/scripted.ts";
import { type Gateway, scriptOf } from "./system.ts";

/** What a caller may be told, or see of a line that breaks, and then ask again. */
const REPEATABLE: readonly Code[] = [
  Code.Unavailable,
  Code.DeadlineExceeded,
  Code.ResourceExhausted,
  Code.Canceled,
  Code.Aborted,
];
const AGAIN_MS = 200;
/** A gateway that is frozen does not answer. */
const ANSWER_WITHIN_MS = 10_000;

function mayBeRepeated(error: unknown): boolean {
  return REPEATABLE.includes(ConnectError.from(error).code);
}

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
      if (!mayBeRepeated(error)) throw error;
    }
    await setTimeout(AGAIN_MS);
  }
}
