import { Command, Option } from "commander";
import { checkTogether } from "./check-together.ts";
import { type ServiceName, type Setting, valueIn } from "./setting.ts";
import { SETTINGS, type Settings } from "./settings.ts";
import { StartupError } from "./startup-error.ts";
import { VERSION } from "./version.ts";

const OUR_PREFIX = "MILLRACE_";

function entries(): [string, Setting<unknown>][] {
  return Object.entries(SETTINGS) as [string, Setting<unknown>][];
}

/** MILLRACE_GATEWAY_GRPC_PORT → --gateway-grpc-port */
export function flagOf(setting: Pick<Setting<unknown>, "env">): string {
  const bare = setting.env.startsWith(OUR_PREFIX)
    ? setting.env.slice(OUR_PREFIX.length)
    : setting.env;
  return `--${bare.toLowerCase().replaceAll("_", "-")}`;
}

export function shownDefault({ fallback }: Setting<unknown>): string {
  if (fallback === undefined) return "not set";
  if (Array.isArray(fallback)) return fallback.length === 0 ? "none" : fallback.join(",");
  return String(fallback);
}

function optionOf(setting: Setting<unknown>, value: unknown): Option {
  const help = `${setting.help} (variable ${setting.env})`;
  return new Option(`${flagOf(setting)} <value>`, help)
    .default(value, shownDefault(setting))
    .argParser((given) => setting.parse(given));
}

/** A misspelled variable would otherwise be a setting that silently does nothing. */
function refuseUnknown(env: NodeJS.ProcessEnv): void {
  const known = new Set<string>(entries().map(([, setting]) => setting.env));
  const unknown = Object.keys(env).filter(
    (name) => name.startsWith(OUR_PREFIX) && !known.has(name),
  );
  if (unknown.length === 0) return;
  throw new StartupError(
    `unknown setting ${unknown.join(", ")}; \`--help\` lists those of a service, docs/configuration.md all of them`,
  );
}

/**
 * Reads the settings of a service: flags first, then the environment, then the defaults. Throws StartupError, or
 * commander's own error when it has printed the help, the version, or what is wrong with a flag.
 */
export function loadSettings(
  service: ServiceName,
  env: NodeJS.ProcessEnv,
  argv: readonly string[],
): Settings {
  refuseUnknown(env);
  const own = entries().filter(([, setting]) => setting.services.includes(service));
  const command = new Command(service)
    .description(`Millrace ${service}. Every setting is a flag or an environment variable.`)
    .version(VERSION)
    .allowExcessArguments(false)
    .exitOverride();
  const options = new Map(
    own.map(([name, setting]) => [name, optionOf(setting, valueIn(env, setting))]),
  );
  for (const option of options.values()) command.addOption(option);
  command.parse(argv);
  const given = command.opts();
  const settings = Object.fromEntries(
    entries().map(([name, { fallback }]) => {
      const option = options.get(name);
      return [name, option ? given[option.attributeName()] : fallback];
    }),
  ) as Settings;
  checkTogether(settings);
  return settings;
}
