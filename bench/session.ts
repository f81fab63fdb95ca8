import { mkdtemp, rm } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { Load, LoadResult } from "./client/load.ts";
import { nowMs } from "./clock.ts";
import { diskBytesOf } from "./measure/disk.ts";
import { latenessOf } from "./measure/lateness.ts";
import {
  type Reading,
  type Role,
  type RoleProcess,
  readMeter,
  usageBetween,
  withGone,
} from "./measure/meter.ts";
import { recoveryOf } from "./measure/recovery.ts";
import { type Tally, tallyOf } from "./measure/tally.ts";
import { Client } from "./processes/client.ts";
import { until } from "./processes/until.ts";
import type { Choice, RunningSystem, Setup, SystemUnderTest } from "./systems/system.ts";
import { warmUpsOf } from "./works/warm-ups.ts";
import type { Case, Grown, Measured } from "./works/work.ts";

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
  readonly folder: string;
  readonly stack: AsyncDisposableStack;
}

/** How things stood at a moment. */
interface Look {
  readonly traffic: Readonly<Record<string, number>>;
  readonly meter: Reading;
}

/** The processes of a role, which were killed under load and started again. */
interface Killed {
  readonly role: Role;
  readonly atMs: number;
  /** What they had used until then. */
  readonly used: Reading;
}

interface Loaded {
  /** What is measured begins here. */
  readonly before: Look;
  readonly result?: LoadResult | undefined;
  readonly killed?: Killed | undefined;
}

/** A system that was started for a while, with a client that calls it. */
export class Session implements AsyncDisposable {
  readonly #system: RunningSystem;
  readonly #client: Client;
  readonly #processes: readonly RoleProcess[];
  readonly #folder: string;
  readonly #stack: AsyncDisposableStack;
  /** Undefined once something has been put on the system. */
  #firstWarmUp: Load | undefined;

  private constructor({ system, client, firstWarmUp, folder, stack }: Parts) {
    this.#system = system;
    this.#client = client;
    this.#processes = [...system.processes, client.child];
    this.#firstWarmUp = firstWarmUp;
    this.#folder = folder;
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
    return new Session({ system: running, client, firstWarmUp, folder, stack: stack.move() });
  }

  async measure(each: Case): Promise<MeasuredCase> {
    await this.#prepare(each);
    const { before, result, killed } = await this.#loaded(each);
    if (each.untilDone) await this.#done();
    const after = await this.#look();
    await this.#done();
    const whole = killed ? withGone(after.meter, killed.used) : after.meter;
    return {
      ...(result && { result }),
      ...recoveryIn(each, { result, killed }),
      ...(await this.#besides(each, { result, allEndedAtMs: after.meter.atMs })),
      usage: usageBetween(before.meter, whole, availableParallelism()),
      // A broker that was killed counts anew.
      traffic: killed?.role === "nats-server" ? {} : difference(after.traffic, before.traffic),
    };
  }

  /**
   * Compares what was accepted since the session was opened with what the system says has ended.
   *
   * @param forgets Whether tasks may have left its store since they ended.
   */
  async check(forgets: boolean): Promise<Tally> {
    await this.#done();
    const ended = await this.#system.ended();
    // Read later: what leaves in between has ended.
    const kept = forgets ? await this.#system.kept?.() : undefined;
    return tallyOf(await this.#client.accepted(), ended, kept);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#stack.disposeAsync();
  }

  async #look(): Promise<Look> {
    return { traffic: await this.#system.traffic(), meter: await readMeter(this.#processes) };
  }

  async #prepare(each: Case): Promise<void> {
    for (const load of warmUpsOf(each, this.#firstWarmUp)) {
      await this.#client.put(load, async () => (await this.#killed("gateway")).atMs);
      await this.#done();
    }
    if (each.load) this.#firstWarmUp = undefined;
  }

  async #loaded({ load, kill }: Case): Promise<Loaded> {
    let begun: Omit<Loaded, "result"> = { before: await this.#look() };
    if (!load) return delay(LEFT_ALONE_MS, begun);
    const restart = async () => {
      const before = await this.#look();
      const killed = await this.#killed("gateway");
      begun = { before, killed };
      return killed.atMs;
    };
    const [result, killed] = await Promise.all([
      this.#client.put(load, restart),
      kill && delay(kill.afterMs).then(() => this.#killed(kill.role)),
    ]);
    return { ...begun, result, ...(killed && { killed }) };
  }

  async #killed(role: Role): Promise<Killed> {
    if (!this.#system.restart) throw new Error(`this system has no ${role} that can be killed`);
    const used = await readMeter(this.#processes.filter((each) => each.role === role));
    const atMs = nowMs();
    await this.#system.restart(role);
    return { role, atMs, used };
  }

  /** What some cases are about. */
  async #besides(
    { examine }: Case,
    { result, allEndedAtMs }: Pick<Loaded, "result"> & { readonly allEndedAtMs: number },
  ): Promise<Pick<Measured, "lateness" | "grown">> {
    const dueAtMs = result?.dueAtMs;
    const startedAtMs = dueAtMs && (await this.#system.startedAtMs?.());
    return {
      ...(startedAtMs && { lateness: latenessOf({ dueAtMs, startedAtMs, allEndedAtMs }) }),
      ...(examine && { grown: await this.#grown() }),
    };
  }

  async #grown(): Promise<Grown> {
    const diskBytes = await diskBytesOf(this.#folder);
    return { diskBytes, startUpMs: (await this.#system.startUps?.()) ?? {} };
  }

  #done(): Promise<void> {
    return until("all tasks have ended", async () => {
      this.#client.child.throwIfExited();
      return (await this.#system.backlog()) === 0;
    });
  }
}

function recoveryIn(
  { kill }: Case,
  { result, killed }: Pick<Loaded, "result" | "killed">,
): Pick<Measured, "recovery"> {
  if (!kill || !killed || !result?.endedAtMs) return {};
  const { endedAtMs } = result;
  return { recovery: recoveryOf({ endedAtMs, killedAtMs: killed.atMs, beforeMs: kill.afterMs }) };
}

function difference(
  after: Readonly<Record<string, number>>,
  before: Readonly<Record<string, number>>,
): Record<string, number> {
  return Object.fromEntries(
    Object.entries(after).map(([name, value]) => [name, value - (before[name] ?? 0)]),
  );
}
