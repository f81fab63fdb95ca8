import { access, constants, rm, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { timeoutSignal } from "#lib/async/timers.ts";
import { makeFolders } from "#lib/process/make-folders.mjs";
import type { Secret } from "#lib/process/secret.ts";
import { newTempFolder } from "../system/temp-folder.ts";
import { type Exit, type Launched, launch } from "./launch.ts";
import { natsConfig } from "./nats-config.ts";
import { NatsServerError } from "./nats-server-error.ts";
import { versionOf } from "./version-of.ts";
import { type Listening, portsFileOf, waitUntilReady } from "./wait-until-ready.ts";
import { storeNotWritable, whyItStopped } from "./why-it-stopped.ts";

export interface NatsServerOptions {
  readonly bin: string;
  readonly storeDir: string;
  /** 0, or none: the server picks a free one. */
  readonly port?: number | undefined;
  readonly host?: string | undefined;
  /** None: no monitoring endpoint. 0: the server picks a free port. */
  readonly monitorPort?: number | undefined;
  /** What clients must show; none: everyone on the host may connect. */
  readonly token?: Secret | undefined;
  /** What a power loss may take, in nats-server's words: "1s", "always". */
  readonly syncInterval?: string | undefined;
  /** Gets what the server prints, line by line. */
  readonly log?: ((line: string) => void) | undefined;
  /** Further settings by nats-server's names for them; `jetstream` is merged with ours. */
  readonly extraConfig?: Readonly<Record<string, unknown>> | undefined;
  /** A large store takes its time to recover before the server listens. */
  readonly startTimeoutMs?: number | undefined;
}

const START_TIMEOUT_MS = 60_000;
const STOP_TIMEOUT_MS = 10_000;

/**
 * Starts nats-server with JetStream and resolves once it serves. To start it
 * again as it was, give it the same store and the port that it had.
 */
export async function startNatsServer(options: NatsServerOptions): Promise<NatsServerProcess> {
  await versionOf(options.bin);
  await makeWritable(options.storeDir);
  const folder = await newTempFolder("millrace-nats-");
  try {
    const configFile = join(folder, "nats.json");
    await writeFile(configFile, configOf(options, folder), { mode: 0o600 });
    const launched = await launch(options.bin, configFile, options.log ?? (() => {}));
    const listening = await untilReady(launched, options, folder);
    return new NatsServerProcess(launched, listening, folder);
  } catch (error) {
    await removeFolder(folder);
    throw error;
  }
}

/** A nats-server that we started, and that ends with us. */
export class NatsServerProcess implements AsyncDisposable {
  readonly url: string;
  readonly port: number;
  readonly monitorUrl: string | undefined;
  readonly pid: number;
  /** Resolves when the process has ended, whoever ended it. */
  readonly exited: Promise<Exit>;
  readonly #launched: Launched;
  readonly #folder: string;

  constructor(launched: Launched, listening: Listening, folder: string) {
    this.url = listening.url;
    this.port = listening.port;
    this.monitorUrl = listening.monitorUrl;
    this.pid = launched.pid;
    this.exited = launched.exited;
    this.#launched = launched;
    this.#folder = folder;
  }

  /** Sends a signal; nothing happens if the process has ended. */
  kill(signal: NodeJS.Signals): void {
    this.#launched.child.kill(signal);
  }

  async stop(): Promise<void> {
    await end(this.#launched);
    await removeFolder(this.#folder);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }
}

function configOf(options: NatsServerOptions, portsDir: string): string {
  return natsConfig({
    host: options.host ?? "127.0.0.1",
    port: options.port ?? 0,
    monitorPort: options.monitorPort,
    storeDir: resolve(options.storeDir),
    syncInterval: options.syncInterval ?? "1s",
    portsDir,
    token: options.token,
    extra: options.extraConfig ?? {},
  });
}

async function untilReady(
  launched: Launched,
  { bin, storeDir, startTimeoutMs = START_TIMEOUT_MS }: NatsServerOptions,
  folder: string,
): Promise<Listening> {
  const waited = new AbortController();
  const signal = AbortSignal.any([waited.signal, timeoutSignal(startTimeoutMs)]);
  try {
    return await Promise.race([
      waitUntilReady(portsFileOf(folder, bin, launched.pid), signal),
      launched.exited.then(() => {
        throw whyItStopped(launched.lastLines, storeDir);
      }),
    ]);
  } catch (error) {
    await end(launched);
    if (error instanceof NatsServerError) throw error;
    const late = `nats-server did not serve within ${startTimeoutMs / 1000} s`;
    throw new NatsServerError(late, { problem: "did-not-start", cause: error });
  } finally {
    waited.abort();
  }
}

/** A paused process hears SIGTERM only when it is let go on. */
async function end({ child, exited }: Launched): Promise<void> {
  child.kill("SIGTERM");
  child.kill("SIGCONT");
  const impatience = setTimeout(() => child.kill("SIGKILL"), STOP_TIMEOUT_MS);
  await exited;
  clearTimeout(impatience);
}

async function makeWritable(storeDir: string): Promise<void> {
  try {
    makeFolders(storeDir);
    await access(storeDir, constants.W_OK | constants.X_OK);
  } catch (error) {
    throw storeNotWritable(storeDir, (error as Error).message, error);
  }
}

async function removeFolder(folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true });
}
