import { equals } from "@bufbuild/protobuf";
import { QueueSettingsSchema } from "#gen/millrace/v1/queue_service_pb.ts";
import type { Dialed } from "../link/link.ts";
import { readQueueSettings } from "../queues/read-queue-settings.ts";
import { ensure } from "./ensure.ts";
import { commonPlans, queuePlan, type TopologyOptions } from "./topology.ts";

/** Makes sure that everything is there in the broker, as configured and as operators have set it. */
export async function establish(dialed: Dialed, options: TopologyOptions): Promise<void> {
  await ensure(dialed, commonPlans(options));
  for (const queue of options.queues) await establishQueue(dialed, queue, options);
}

/**
 * Makes the queue what its settings say. Looks at them again afterwards: whoever changed them meanwhile has done the
 * same, perhaps before us, and what we did by the old ones must not be the last word.
 */
export async function establishQueue(
  dialed: Dialed,
  queue: string,
  options: TopologyOptions,
): Promise<void> {
  let { settings } = await readQueueSettings(dialed.jsm, queue);
  // What is paused was paused after it was written down. So what is read now, and not before, says whether it still holds.
  const mayResume = async () => {
    const now = await readQueueSettings(dialed.jsm, queue);
    return now.settings.pause === undefined;
  };
  for (;;) {
    await ensure(dialed, [{ ...queuePlan(queue, options, settings), mayResume }]);
    const now = await readQueueSettings(dialed.jsm, queue);
    if (equals(QueueSettingsSchema, settings, now.settings)) return;
    settings = now.settings;
  }
}
