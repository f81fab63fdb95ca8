import { natsServers } from "#lib/process/nats-server.ts";
import { joinAddress } from "#lib/rpc/listen.ts";
import { CliError } from "../cli-error.ts";
import { ExitCode } from "../exit-code.ts";
import { addressOf, type Doors } from "./doors.ts";
import type { Journal } from "./journal.ts";
import { natsHostOf } from "./nats-host.ts";
import { natsPart } from "./nats-part.ts";
import { serviceParts } from "./service-parts.ts";
import type { Supervised } from "./supervised.ts";
import { untilTypesAnnounced } from "./until-types-announced.ts";

export interface SystemOptions {
  /** The services get it, with what the system decides for them put in. */
  readonly env: NodeJS.ProcessEnv;
  readonly dataDir: string;
  readonly natsPort: number;
  readonly doors: Doors;
  readonly journal: Journal;
  /** Tells whoever runs the system what happens to it. */
  readonly tell: (line: string) => void;
}

/** The parts, in the order in which they are stopped. */
interface Parts {
  gateway: Supervised[];
  monitor: Supervised[];
  workers: Supervised[];
  nats: Supervised[];
}

const PATIENCE_MS = 5_000;

/** A whole Millrace on this machine: NATS, unless the environment names one, a gateway, a monitor, and workers. */
export class System implements AsyncDisposable {
  readonly #options: SystemOptions;
  readonly #parts: Parts = { gateway: [], monitor: [], workers: [], nats: [] };
  readonly #awaited = new Set<string>();

  constructor(options: SystemOptions) {
    this.#options = options;
  }

  /** What the services connect to, as NATS_SERVERS says it. */
  get #natsServers(): string {
    const { env, natsPort } = this.#options;
    return env["NATS_SERVERS"] || `nats://${joinAddress(natsHostOf(env), natsPort)}`;
  }

  /** The same, to be shown. */
  get natsUrl(): string {
    return natsServers(this.#natsServers).join(",");
  }

  /** Process ids, by the names of the parts. */
  get pids(): Readonly<Record<string, number | undefined>> {
    return Object.fromEntries(this.#all().map(({ name, pid }) => [name, pid]));
  }

  /** Resolves when every part is ready and tasks are accepted; from then on, a part that dies is started again. */
  async start(signal: AbortSignal): Promise<void> {
    const { env, doors } = this.#options;
    const news = setInterval(() => this.#tellWhatIsAwaited(), PATIENCE_MS);
    try {
      if (!env["NATS_SERVERS"]) {
        this.#parts.nats = [await natsPart(this.#options, signal)];
        await this.#startAll(this.#parts.nats, signal);
      }
      Object.assign(this.#parts, serviceParts(this.#options, this.#natsServers));
      const { gateway, monitor, workers } = this.#parts;
      await this.#startAll([...gateway, ...workers, ...monitor], signal);
      await untilTypesAnnounced(addressOf(doors.gatewayGrpc), signal);
    } finally {
      clearInterval(news);
    }
  }

  /**
   * Stops everything, the callers' side first: the gateway, so that nobody is promised anything more; then who looks on;
   * then the workers, who finish or hand back what they have; and at last what all of them write to.
   */
  async stop(): Promise<void> {
    for (const parts of Object.values(this.#parts)) {
      await Promise.all(parts.map((part: Supervised) => part.stop()));
    }
  }

  /** Ends everything at once. */
  kill(): void {
    for (const part of this.#all()) part.kill();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  #all(): readonly Supervised[] {
    return Object.values(this.#parts).flat();
  }

  /** The first part that can't start keeps the others from being waited for. */
  async #startAll(parts: readonly Supervised[], signal: AbortSignal): Promise<void> {
    const failed = new AbortController();
    const either = AbortSignal.any([signal, failed.signal]);
    const starts = await Promise.allSettled(
      parts.map(async (part) => {
        this.#awaited.add(part.name);
        try {
          await part.start(either);
        } catch (error) {
          failed.abort(this.#explained(part, error));
        }
        this.#awaited.delete(part.name);
      }),
    );
    if (starts.length > 0 && either.aborted) throw either.reason;
  }

  #explained({ name }: Supervised, error: unknown): unknown {
    const { journal } = this.#options;
    const reason = journal.lastReason(name);
    if (reason === undefined) return error;
    const text = `${name} could not start: ${reason} (${journal.fileOf(name)})`;
    return new CliError(text, { exitCode: ExitCode.FAILED, cause: error });
  }

  #tellWhatIsAwaited(): void {
    const { tell, journal } = this.#options;
    if (this.#awaited.size === 0) return;
    tell(
      `still waiting for ${[...this.#awaited].join(", ")}; what they say is in ${journal.folder}`,
    );
  }
}
