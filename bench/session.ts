import { mkdtemp, rm } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { Load } from "./client/load.ts";
import { type RoleProcess, readMeter, usageBetween } from "./measure/meter.ts";
import { type Tally, tallyOf } from "./measure/tally.ts";
import { Client } from "./processes/client.ts";
import { until } from "./processes/until.ts";
import type { Choice, RunningSystem, Setup, SystemUnderTest } from "./systems/system.ts";
import { warmUpsOf } from "./works/warm-ups.ts";
import type { Case, Measured } from "./works/work.ts";

/** Long enough for the kernel's hundredths of a second to tell less than a percent. */
const LEFT_ALONE_MS = 8_000;

export interface SessionOptions {
  readonly system: SystemUnderTest;
  readonly choice: Choice;
  readonly setup: Setup;
  readonly firstWarmUp: Load;
  /** Where its data is kept, in a folder of its own that is gone with it. */
  readonly dataDir: string;
  readonly env: NodeJS.ProcessEnv;
}

export interface MeasuredCase extends Measured {
  /** What its broker counted meanwhile. */
  readonly traffic: Readonly<Record<string, number>>;
}

interface Parts extends Pick<SessionOptions, "firstWarmUp"> {
  readonly system: RunningSystem;
  readonly client: Client;
  readonly stack: AsyncDisposableStack;
}

/** A system that was started for a while, with a client that calls it. */
export class Session implements AsyncDisposable {
  readonly #system: RunningSystem;
  readonly #client: Client;
  readonly #stack: AsyncDisposableStack;
  /** Undefined once something has been put on the system. */
  #firstWarmUp: Load | undefined;

  private constructor({ system, client, firstWarmUp, stack }: Parts) {
    this.#system = system;
    this.#client = client;
    this.#firstWarmUp = firstWarmUp;
    this.#stack = stack;
  }

  static async open(options: SessionOptions): Promise<Session> {
    const { system, choice, setup, firstWarmUp, dataDir, env } = options;
    await using stack = new AsyncDisposableStack();
    const folder = await mkdtemp(join(dataDir, `${system.name}-`));
    stack.defer(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }));
    const running = stack.use(await system.start({ dataDir: folder, choice, setup, env }));
    const { caller: module } = system;
    const client = stack.use(await Client.start({ module, address: running.address, env }));
    return new Session({ system: running, client, firstWarmUp, stack: stack.move() });
  }

  async measure(each: Case): Promise<MeasuredCase> {
    const { load, untilDone } = each;
    await this.#warmUp(each);
    let before = await this.#look(this.#processes);
    const restart = async () => {
      // Nothing of the gateways that end: those that come then have used nothing before.
      before = await this.#look(this.#processes.filter(({ role }) => role !== "gateway"));
      return this.#restartGateways();
    };
    const result = load ? await this.#client.put(load, restart) : await delay(LEFT_ALONE_MS);
    if (untilDone) await this.#done();
    const after = await this.#look(this.#processes);
    await this.#done();
    return {
      ...(result && { result }),
      usage: usageBetween(before.meter, after.meter, availableParallelism()),
      traffic: difference(after.traffic, before.traffic),
    };
  }

  /** Compares what was accepted since the session was opened with what the system says has ended. */
  async check(): Promise<Tally> {
    await this.#done();
    return tallyOf(await this.#client.accepted(), await this.#system.ended());
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#stack.disposeAsync();
  }

  get #processes(): readonly RoleProcess[] {
    return [...this.#system.processes, this.#client.child];
  }

  async #look(processes: readonly RoleProcess[]) {
    return { traffic: await this.#system.traffic(), meter: await readMeter(processes) };
  }

  async #restartGateways(): Promise<number> {
    if (this.#system.restartGateways) return this.#system.restartGateways();
    throw new Error("this system has no gateways to restart");
  }

  async #warmUp(each: Case): Promise<void> {
    for (const load of warmUpsOf(each, this.#firstWarmUp)) {
      await this.#client.put(load, () => this.#restartGateways());
    }
    if (each.load) this.#firstWarmUp = undefined;
    await this.#done();
  }

  #done(): Promise<void> {
    return until("all tasks have ended", async () => {
      this.#client.child.throwIfExited();
      return (await this.#system.backlog()) === 0;
    });
  }
}

function difference(
  after: Readonly<Record<string, number>>,
  before: Readonly<Record<string, number>>,
): Record<string, number> {
  return Object.fromEntries(
    Object.entries(after).map(([name, value]) => [name, value - (before[name] ?? 0)]),
  );
}
