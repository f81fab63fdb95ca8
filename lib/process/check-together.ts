import type { Settings } from "./settings.ts";
import { StartupError } from "./startup-error.ts";

/** Refuses settings that are allowed each by itself, but not together. */
export function checkTogether({ queues, queueConcurrency }: Settings): void {
  const stranger = [...(queueConcurrency?.keys() ?? [])].find((name) => !queues.includes(name));
  if (stranger === undefined) return;
  throw new StartupError(
    `MILLRACE_QUEUE_CONCURRENCY: this worker does not serve a queue "${stranger}"; its queues (MILLRACE_QUEUES) are: ${queues.join(", ")}`,
  );
}
