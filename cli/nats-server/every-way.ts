import { goModule } from "./go-install.ts";
import type { Missed, Search } from "./search.ts";

/** Why each way led nowhere. */
export interface MissedWays {
  readonly setting: Missed;
  readonly path: Missed;
  readonly cache: Missed;
  readonly release: Missed;
  readonly go: Missed;
}

/** What to tell somebody who has no nats-server: all the ways to one, and what came of each here. */
export function everyWay({ version, floor, archiveUrl }: Search, ways: MissedWays): string {
  const archive = archiveUrl ?? "https://github.com/nats-io/nats-server/releases";
  return [
    `Millrace needs a nats-server ${floor} or newer, and found no way to one. Any of these will do:`,
    "- NATS_SERVERS: set it to the address of a server that runs, such as nats://127.0.0.1:4222",
    `- NATS_SERVER_BIN: set it to a nats-server binary (${ways.setting.missed})`,
    `- PATH: install nats-server so that it is found there (${ways.path.missed})`,
    `- cache: put the binary where we keep ours (${ways.cache.missed})`,
    `- release: let us reach ${archive} (${ways.release.missed})`,
    `- go: install Go, for us to run "go install ${goModule(version)}" (${ways.go.missed})`,
    `- container: docker run -p 4222:4222 nats:${version} -js, and NATS_SERVERS=nats://127.0.0.1:4222`,
  ].join("\n");
}
