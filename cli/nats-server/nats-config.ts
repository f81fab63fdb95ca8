import type { Secret } from "#lib/process/secret.ts";
import { joinAddress } from "#lib/rpc/listen.ts";

/** What a generated configuration file is made from. */
export interface NatsConfig {
  readonly host: string;
  readonly port: number;
  readonly monitorPort: number | undefined;
  readonly storeDir: string;
  readonly syncInterval: string;
  readonly portsDir: string;
  readonly token: Secret | undefined;
  readonly extra: Readonly<Record<string, unknown>>;
}

const MAX_PAYLOAD_BYTES = 1024 * 1024;

/** nats-server reads JSON as a configuration file; what is extra wins over what is ours. */
export function natsConfig(config: NatsConfig): string {
  const { jetstream, ...extra } = config.extra;
  return JSON.stringify({
    host: config.host,
    port: orFree(config.port),
    ...(config.monitorPort !== undefined && {
      http: joinAddress(config.host, orFree(config.monitorPort)),
    }),
    ports_file_dir: config.portsDir,
    max_payload: MAX_PAYLOAD_BYTES,
    ping_interval: "20s",
    ...(config.token && { authorization: { token: config.token.reveal() } }),
    jetstream: {
      store_dir: config.storeDir,
      sync_interval: config.syncInterval,
      ...(jetstream as object | undefined),
    },
    ...extra,
  });
}

/** To nats-server 0 means its default port, and -1 a free one. */
function orFree(port: number): number {
  return port === 0 ? -1 : port;
}
