import { isLoopbackAddress } from "#lib/process/host-name.ts";
import { valueIn } from "#lib/process/setting.ts";
import { SETTINGS } from "#lib/process/settings.ts";

/** Where the system's own NATS listens, for this machine only: beside the services, if nobody else reaches them either. */
export function natsHostOf(env: NodeJS.ProcessEnv): string {
  const host = valueIn(env, SETTINGS.host);
  return isLoopbackAddress(host) ? host : "127.0.0.1";
}
