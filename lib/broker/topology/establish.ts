import { equals } from "@bufbuild/protobuf";
import pLimit from "p-limit";
import { type QueueSettings, QueueSettingsSchema } from "#gen/millrace/v1/queue_service_pb.ts";
import type { Dialed } from "../link/link.ts";
import type { Lane } from "../names.ts";
import { listLanes } from "../queues/list-lanes.ts";
import { readQueueSettings } from "../queues/read-queue-settings.ts";
import { allDone, ensure, ensureConsumers } from "./ensure.ts";
import { commonPlans, lanePuller, queuePlan, type TopologyOptions } from "./topology.ts";

/** More would have to wait for their answers in the server. */
const QUEUES_AT_ONCE = 8;

/** Makes sure that everything is there in the broker, as configured and as operators have set it. */
export async function establish(dialed: Dialed, options: TopologyOptions): Promise<void> {
  const queues = pLimit(QUEUES_AT_ONCE).map(options.queues, (queue) =>
    establishQueue(dialed, queue, options),
  );
  const common = commonPlans({ ...options, names: dialed.names });
  await allDone([ensure(dialed, common), queues]);
}

/**
 * Makes the queue, and each of its lanes, what its settings say. Looks at them again afterwards: whoever changed them
 * meanwhile has done the same, perhaps before us, and what we did by the old ones must not be the last word.
 */
export async function establishQueue(
  dialed: Dialed,
  queue: string,
  options: TopologyOptions,
): Promise<void> {
  const { names } = dialed;
  await asSet(dialed, queue, async (settings, mayResume) => {
    const plan = queuePlan(queue, { ...options, names }, settings);
    await ensure(dialed, [{ ...plan, mayResume }]);
    const lanes = await listLanes(dialed, queue);
    const consumers = lanes.filter(({ lane }) => lane.type !== "").map(({ lane }) => lane);
    await ensureConsumers(dialed, {
      ...plan,
      mayResume,
      consumers: consumers.map((lane) => lanePuller(names, lane)),
    });
  });
}

/** Makes sure that the queue has the lane, as its settings say. */
export async function establishLane(dialed: Dialed, lane: Lane): Promise<void> {
  const { queue } = lane;
  const { names } = dialed;
  await asSet(dialed, queue, async ({ pause }, mayResume) => {
    const config = { name: names.queueStream(queue) };
    const plan = { config, consumers: [lanePuller(names, lane)] };
    await ensureConsumers(dialed, { ...plan, paused: pause !== undefined, mayResume });
  });
}

async function asSet(
  dialed: Dialed,
  queue: string,
  enforce: (settings: QueueSettings, mayResume: () => Promise<boolean>) => Promise<void>,
): Promise<void> {
  let { settings } = await readQueueSettings(dialed, queue);
  // What is paused was paused after it was written down. So what is read now, and not before, says whether it still holds.
  const mayResume = async () => {
    const now = await readQueueSettings(dialed, queue);
    return now.settings.pause === undefined;
  };
  for (;;) {
    await enforce(settings, mayResume);
    const now = await readQueueSettings(dialed, queue);
    if (equals(QueueSettingsSchema, settings, now.settings)) return;
    settings = now.settings;
  }
}
