import { type ServiceName, valueIn } from "#lib/process/setting.ts";
import { SETTINGS } from "#lib/process/settings.ts";
import { addressOf, type Door } from "./doors.ts";
import { startService } from "./service-process.ts";
import { Supervised } from "./supervised.ts";
import type { SystemOptions } from "./system.ts";
import { untilReady } from "./until-ready.ts";

/** A worker that was asked to leave takes that much longer than its grace to hand back what still runs. */
const AFTER_GRACE_MS = 10_000;

interface ServicePart {
  readonly name: string;
  readonly service: ServiceName;
  /** Where it answers /readyz. */
  readonly health: Door;
  /** The addresses that it is to take and to know, by setting. */
  readonly addresses: NodeJS.ProcessEnv;
}

export function serviceParts(options: SystemOptions, natsServers: string) {
  const { doors } = options;
  const gateway: ServicePart = {
    name: "gateway",
    service: "gateway",
    health: doors.gatewayHttp,
    addresses: {
      MILLRACE_GATEWAY_GRPC_PORT: String(doors.gatewayGrpc.port),
      MILLRACE_GATEWAY_HTTP_PORT: String(doors.gatewayHttp.port),
    },
  };
  const monitor: ServicePart = {
    name: "monitor",
    service: "monitor",
    health: doors.monitorHttp,
    addresses: {
      // Whoever opens the doors to others may know a better one.
      MILLRACE_GATEWAY_URL:
        options.env["MILLRACE_GATEWAY_URL"] || `http://${addressOf(doors.gatewayHttp)}`,
      MILLRACE_MONITOR_GRPC_PORT: String(doors.monitorGrpc.port),
      MILLRACE_MONITOR_HTTP_PORT: String(doors.monitorHttp.port),
    },
  };
  const workers = doors.workers.map(
    (health, index): ServicePart => ({
      name: doors.workers.length === 1 ? "worker" : `worker-${index + 1}`,
      service: "worker",
      health,
      addresses: { MILLRACE_WORKER_HTTP_PORT: String(health.port) },
    }),
  );
  const part = (service: ServicePart) => supervised(service, options, natsServers);
  return {
    gateway: [part(gateway)],
    monitor: [part(monitor)],
    workers: workers.map(part),
  };
}

function supervised(
  { name, service, health, addresses }: ServicePart,
  { env: given, journal, tell }: SystemOptions,
  natsServers: string,
): Supervised {
  // What the journal reads is JSON, however whoever starts us likes logs.
  const env = { ...given, ...addresses, NATS_SERVERS: natsServers, MILLRACE_LOG_FORMAT: "json" };
  const drainAndGraceMs = valueIn(env, SETTINGS.drainMs) + valueIn(env, SETTINGS.leaveGraceMs);
  const leaveLimitMs = drainAndGraceMs + AFTER_GRACE_MS;
  const url = `http://${addressOf(health)}`;
  const onLine = journal.ofService(name);
  return new Supervised({
    name,
    start: async () => startService({ service, env, onLine: await onLine, leaveLimitMs }),
    ready: (signal) => untilReady(url, signal),
    tell,
  });
}
