import { Command, Option } from "commander";
import { checkTogether } from "./check-together.ts";
import { nearest } from "./did-you-mean.ts";
import { complaintOf, quoted, shown } from "./escaped.ts";
import { serviceLinks } from "./service-links.ts";
import { parseAs, type ServiceName, type Setting, valueIn } from "./setting.ts";
import { SETTINGS, type Settings } from "./settings.ts";
import { StartupError } from "./startup-error.ts";
import { VERSION } from "./version.ts";

const OUR_PREFIX = "MILLRACE_";
/** Read by the command line, which may share its environment with a service. */
const NO_SETTINGS: readonly string[] = ["MILLRACE_SERVER"];

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
  return String(fallback) || "none";
}

function optionOf(setting: Setting<unknown>, value: unknown): Option {
  const flag = flagOf(setting);
  const help = `${setting.help} (variable ${setting.env})`;
  return new Option(`${flag} <value>`, help)
    .default(value, shownDefault(setting))
    .hideHelp(setting.secret === "all of it")
    .argParser((given) => {
      refuseSecret(flag, given, setting);
      return parseAs(flag, given, setting);
    });
}

function refuseSecret(flag: string, given: string, { secret, env }: Setting<unknown>): void {
  if (!secret || (secret === "before an @" && !given.includes("@"))) return;
  throw new StartupError(
    `${flag}: a secret can't be a flag, for everyone sees it who lists the processes; set the variable ${env}`,
  );
}

const MAX_NAME_CHARS = 100;

function secretsHelp(settings: readonly Setting<unknown>[]): string {
  const secrets = settings.filter(({ secret }) => secret === "all of it");
  const lines = secrets.map(({ env, help }) => `  ${env}  ${help}`);
  return `\nSecrets, which are variables only:\n${lines.join("\n")}`;
}

/** A misspelled variable would otherwise be a setting that silently does nothing. */
export function refuseUnknown(env: NodeJS.ProcessEnv): void {
  const known = [...entries().map(([, setting]) => setting.env), ...NO_SETTINGS];
  const unknown = Object.keys(env).filter(
    (name) => name.startsWith(OUR_PREFIX) && !known.includes(name),
  );
  if (unknown.length === 0) return;
  const named = unknown.map((name) => `${shown(name, MAX_NAME_CHARS)}${hint(name, known)}`);
  throw new StartupError(
    `unknown setting ${named.join(", ")}; \`--help\` lists those of a service, docs/configuration.md all of them`,
  );
}

/** The nearest of those that have all its words, else of all. What all have in common would make all of them near. */
function hint(name: string, known: readonly string[]): string {
  const bare = (full: string) => full.slice(OUR_PREFIX.length);
  const ours = known.filter((full) => full.startsWith(OUR_PREFIX)).map(bare);
  const words = bare(name).split("_");
  const fuller = ours.filter((full) => words.every((word) => full.split("_").includes(word)));
  const meant = nearest(bare(name), fuller) ?? nearest(bare(name), ours);
  return meant === undefined ? "" : ` (did you mean ${OUR_PREFIX}${meant}?)`;
}

/**
 * The environment as somebody has set it, without what Kubernetes or Docker put there for a service whose name begins as
 * our settings do. Where that took the name of a setting, the setting counts as not set.
 */
export function withoutServiceLinks(env: NodeJS.ProcessEnv, warn = warning): NodeJS.ProcessEnv {
  const links = serviceLinks(env).filter((name) => name.startsWith(OUR_PREFIX));
  for (const [, setting] of entries()) {
    if (!links.includes(setting.env)) continue;
    warn(
      `${setting.env}=${quoted(env[setting.env] ?? "")} comes from Kubernetes or Docker, for a service of that name, and counts as not set; ` +
        "enableServiceLinks: false in the pod's spec, or another name for the service, lets you set it",
    );
  }
  return Object.fromEntries(Object.entries(env).filter(([name]) => !links.includes(name)));
}

function warning(text: string): void {
  process.stderr.write(`warning: ${text}\n`);
}

/**
 * Reads the settings of a service: flags first, then the environment, then the defaults. Throws StartupError, or
 * commander's own error when it has printed the help, the version, or what is wrong with a flag.
 */
export function loadSettings(
  service: ServiceName,
  given: NodeJS.ProcessEnv,
  argv: readonly string[],
): Settings {
  const env = withoutServiceLinks(given);
  refuseUnknown(env);
  const own = entries().filter(([, setting]) => setting.services.includes(service));
  const command = new Command(service)
    .description(`Millrace ${service}. Every setting is a flag or an environment variable.`)
    .version(VERSION)
    .addHelpText("after", secretsHelp(own.map(([, setting]) => setting)))
    .allowExcessArguments(false)
    .configureOutput({ outputError: (text, write) => write(`${complaintOf(text)}\n`) })
    .exitOverride();
  const options = new Map(
    own.map(([name, setting]) => [name, optionOf(setting, valueIn(env, setting))]),
  );
  for (const option of options.values()) command.addOption(option);
  command.parse(argv);
  const settings = settingsIn(command, options);
  checkTogether(settings);
  return settings;
}

function settingsIn(command: Command, options: ReadonlyMap<string, Option>): Settings {
  const values: Record<string, unknown> = {};
  const givenBy: Record<string, string> = {};
  for (const [name, setting] of entries()) {
    const key = options.get(name)?.attributeName();
    values[name] = key === undefined ? setting.fallback : command.getOptionValue(key);
    const isFlag = key !== undefined && command.getOptionValueSource(key) === "cli";
    givenBy[name] = isFlag ? flagOf(setting) : setting.env;
  }
  return { ...values, givenBy } as unknown as Settings;
}
