import { get } from "node:http";
import { setTimeout as delay } from "node:timers/promises";

const POLL_MS = 25;
const ANSWER_LIMIT_MS = 2_000;

/** Resolves when /readyz says 200; rejects when the signal aborts. */
export async function untilReady(url: string, signal: AbortSignal): Promise<void> {
  while ((await statusOf(`${url}/readyz`, signal)) !== 200) {
    await delay(POLL_MS, undefined, { signal });
  }
}

/** Undefined: nobody answers. */
function statusOf(url: string, signal: AbortSignal): Promise<number | undefined> {
  signal.throwIfAborted();
  return new Promise((resolve) => {
    const options = { agent: false, signal, timeout: ANSWER_LIMIT_MS };
    const request = get(url, options, (response) => {
      response.resume();
      resolve(response.statusCode);
    });
    request.once("timeout", () => request.destroy());
    request.on("error", () => resolve(undefined));
  });
}
