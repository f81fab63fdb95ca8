import type { Settings } from "#lib/process/settings.ts";
import { Broker } from "./broker.ts";
import type { BrokerLog } from "./link/link.ts";

const HOUR_MS = 3_600_000;

/** How long an event is kept. */
export function historyMsOf({ historyHours }: Settings): number {
  return historyHours * HOUR_MS;
}

/** The broker that the settings name. */
export function openBroker(settings: Settings, name: string, log: BrokerLog): Broker {
  return new Broker({
    servers: settings.natsServers,
    serversSetting: settings.givenBy.natsServers,
    token: settings.natsAuthToken,
    namespace: settings.namespace,
    name: ["millrace", settings.namespace, name].filter(Boolean).join(" "),
    log,
    topology: {
      queues: settings.queues,
      queueMaxTasks: settings.queueMaxTasks,
      queueMaxBytes: settings.queueMaxBytes,
      historyMaxBytes: settings.historyMaxBytes,
      historyMs: historyMsOf(settings),
      replicas: settings.replicas,
    },
  });
}
