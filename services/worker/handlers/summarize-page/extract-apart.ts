import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { timeoutSignal } from "#lib/async/timers.ts";
import { PermanentError } from "#lib/task/handler-errors.ts";
import { threadLimits } from "../../thread-limits.ts";
import type { PageSource } from "./extract-text.ts";
import type { PageText } from "./page-text.ts";

/** A page of 5 MB takes a second or two. */
const LIMITS = { timeoutMs: 15_000, maxHeapMb: 512 };

/**
 * Extracts in a thread of its own. A page that is made for it keeps any parser busy for minutes: in the worker's own
 * thread, nobody could stop it, and every other attempt's beats would cease meanwhile.
 */
export async function extractApart(
  source: PageSource,
  signal: AbortSignal,
  limits: typeof LIMITS = LIMITS,
): Promise<PageText> {
  signal.throwIfAborted();
  const thread = new Worker(new URL("./extract-thread.ts", import.meta.url), {
    workerData: source,
    resourceLimits: threadLimits(limits.maxHeapMb),
  });
  // It may run out of memory in the moment in which it is stopped, and Node would end the worker for that.
  thread.on("error", () => {});
  const stop = AbortSignal.any([signal, timeoutSignal(limits.timeoutMs)]);
  try {
    const [page] = await once(thread, "message", { signal: stop });
    return page as PageText;
  } catch (error) {
    signal.throwIfAborted();
    throw isLimit(error) ? tooComplex(limits, error) : error;
  } finally {
    await thread.terminate();
  }
}

/** Time, memory or stack ran out; anything else is a fault of ours. */
function isLimit(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if (error.name === "AbortError" || error.name === "RangeError") return true;
  return "code" in error && error.code === "ERR_WORKER_OUT_OF_MEMORY";
}

function tooComplex({ timeoutMs, maxHeapMb }: typeof LIMITS, cause: unknown): PermanentError {
  return new PermanentError(
    `the page is too complex: its text was not found within ${timeoutMs / 1000} s and ${maxHeapMb} MB of memory`,
    { code: "PAGE_TOO_COMPLEX", cause },
  );
}
