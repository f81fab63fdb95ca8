import { JetStreamApiCodes } from "@nats-io/jetstream";
import type { BrokerLog, Dialed } from "../link/link.ts";
import { orUndefined } from "../link/or-undefined.ts";
import { namespaceOfLog } from "../names.ts";
import { establish } from "./establish.ts";
import { foreignSettings } from "./foreign-settings.ts";
import type { TopologyOptions } from "./topology.ts";

const NEW_ENVIRONMENT = "this environment had no log in NATS, and has a new one now";

/**
 * What a link does before it is used: puts everything in place, and says once of each setting that it has to leave. Where
 * nothing of the environment was there it says so, for its name may have been misspelled.
 */
export function preparation(
  topology: TopologyOptions,
  log: BrokerLog,
): (dialed: Dialed) => Promise<void> {
  let told: readonly string[] = [];
  return async (dialed) => {
    const isNew = !(await hasLog(dialed));
    await establish(dialed, topology);
    if (isNew) log.info({ others: await otherEnvironments(dialed) }, NEW_ENVIRONMENT);
    const found = await foreignSettings(dialed, topology.queues);
    for (const setting of found.filter((each) => !told.includes(each))) {
      log.warn({ setting }, "a setting in NATS is not ours, and is left");
    }
    told = found;
  };
}

async function hasLog({ jsm, names }: Dialed): Promise<boolean> {
  const info = jsm.streams.info(names.eventsStream);
  return (await orUndefined(info, JetStreamApiCodes.StreamNotFound)) !== undefined;
}

/** Those that share the account, by their namespaces; "" is the one without a name. */
async function otherEnvironments({ jsm, names }: Dialed): Promise<string[]> {
  const others: string[] = [];
  for await (const stream of jsm.streams.names()) {
    const namespace = namespaceOfLog(stream);
    if (namespace !== undefined && stream !== names.eventsStream) others.push(namespace);
  }
  return others.sort();
}
