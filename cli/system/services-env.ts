import { loadSettings, withoutServiceLinks } from "#lib/process/load-settings.ts";
import { SERVICE_NAMES } from "#lib/process/setting.ts";

/** The environment that the services get; one that they would refuse is refused before any of them starts. */
export function servicesEnv(given: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const env = withoutServiceLinks(given);
  for (const service of SERVICE_NAMES) loadSettings(service, env, ["node", service]);
  return env;
}
