import { join } from "node:path";
import { valueIn } from "#lib/process/setting.ts";
import { SETTINGS } from "#lib/process/settings.ts";
import { findNatsServer } from "../nats-server/find-nats-server.ts";
import { startNatsServer } from "../nats-server/run-nats-server.ts";
import { natsHostOf } from "./nats-host.ts";
import type { Running } from "./running.ts";
import { Supervised } from "./supervised.ts";
import type { SystemOptions } from "./system.ts";

const NATS = "nats";

/** The system's own nats-server; it comes back on the same port with the same data. */
export async function natsPart(
  { env, dataDir, natsPort, tell, journal }: SystemOptions,
  signal: AbortSignal,
): Promise<Supervised> {
  const { bin } = await findNatsServer({ env, onProgress: tell, signal });
  const token = valueIn(env, SETTINGS.natsAuthToken);
  const log = await journal.ofOther(NATS);
  const start = (): Promise<Running> =>
    startNatsServer({
      bin,
      storeDir: join(dataDir, NATS),
      host: natsHostOf(env),
      port: natsPort,
      token,
      log,
    });
  // Started is ready: startNatsServer has seen it serve.
  return new Supervised({ name: NATS, start, ready: async () => {}, tell });
}
