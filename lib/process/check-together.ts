import type { Settings } from "./settings.ts";
import { StartupError } from "./startup-error.ts";

/** Refuses settings that are allowed each by itself, but not together. */
export function checkTogether({ queues, queueConcurrency, givenBy }: Settings): void {
  const stranger = [...(queueConcurrency?.keys() ?? [])].find((name) => !queues.includes(name));
  if (stranger === undefined) return;
  throw new StartupError(
    `${givenBy.queueConcurrency}: this worker does not serve a queue "${stranger}"; its queues (${givenBy.queues}) are: ${queues.join(", ")}`,
  );
}
