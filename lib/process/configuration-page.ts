import { flagOf, shownDefault } from "./load-settings.ts";
import type { Setting } from "./setting.ts";
import { SETTINGS } from "./settings.ts";

const INTRODUCTION = `# Configuration

Every setting is an environment variable, and a flag of the services that read it: \`npx node services/gateway/main.mjs --help\`
lists those of the gateway. A flag beats the variable; an empty variable counts as not set. A value that is not allowed,
and a variable that begins with \`MILLRACE_\` and is not listed here, stop the service with exit code 2 and say why. What
Kubernetes and Docker set for a service whose name begins with \`millrace\`, such as \`MILLRACE_GATEWAY_PORT=tcp://…\`, is
ignored.

Secrets are variables only, for everyone sees a flag who lists the processes. They are never logged, nor quoted in an error.

This page is written from \`lib/process/settings.ts\` by \`npm run docs\`.

| variable | flag | default | read by | meaning |
| --- | --- | --- | --- | --- |
`;

const BESIDES = `
Read by the commands that call a gateway:

| variable | default | meaning |
| --- | --- | --- |
| \`MILLRACE_SERVER\` | 127.0.0.1:50051 | host:port of a gateway's gRPC door; the flag \`--server\` beats it |

Read by \`millrace up\`, \`millrace demo\` and the tests, before any service starts:

| variable | meaning |
| --- | --- |
| \`NATS_SERVERS\` | set: use these servers, and start none |
| \`NATS_SERVER_BIN\` | the nats-server to start; must be 2.14.2 or newer |
| \`XDG_CACHE_HOME\` | where, in a folder \`millrace\`, a fetched nats-server is kept (its SHA-256 is noted beside it, and one that was changed since is not run), and what Node has compiled, by commands and services alike; default \`~/.cache\` |
`;

function row(setting: Setting<unknown>): string {
  const help = setting.help.replaceAll("|", "\\|");
  const services = setting.services.join(", ");
  const flag = setting.secret === "all of it" ? "none" : `\`${flagOf(setting)}\``;
  return `| \`${setting.env}\` | ${flag} | ${shownDefault(setting)} | ${services} | ${help} |`;
}

/** docs/configuration.md. */
export function configurationPage(): string {
  const settings: Setting<unknown>[] = Object.values(SETTINGS);
  return `${INTRODUCTION}${settings.map(row).join("\n")}\n${BESIDES}`;
}
