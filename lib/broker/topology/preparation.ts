import type { BrokerLog, Dialed } from "../link/link.ts";
import { establish } from "./establish.ts";
import { foreignSettings } from "./foreign-settings.ts";
import type { TopologyOptions } from "./topology.ts";

/** What a link does before it is used: puts everything in place, and says once of each setting that it has to leave. */
export function preparation(
  topology: TopologyOptions,
  log: BrokerLog,
): (dialed: Dialed) => Promise<void> {
  let told: readonly string[] = [];
  return async (dialed) => {
    await establish(dialed, topology);
    const found = await foreignSettings(dialed, topology.queues);
    for (const setting of found.filter((each) => !told.includes(each))) {
      log.warn({ setting }, "a setting in NATS is not ours, and is left");
    }
    told = found;
  };
}
