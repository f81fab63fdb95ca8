import { setTimeout } from "node:timers/promises";
import { type Gateway, SCRIPTED_WORKER, type System, typesKnown } from "./system.ts";

const AGAIN_MS = 250;

type Worker = Awaited<ReturnType<System["worker"]>>;
type Env = Readonly<Record<string, string>>;

export interface FleetSize {
  readonly gateways: number;
  readonly workers: number;
  /** Folders of the releases that its processes are of, in turn; this one's if none is given. */
  readonly releases?: readonly string[];
}

/** Gateways and workers that die and are replaced, as a supervisor does it. Only those that are up are listed. */
export class Fleet implements AsyncDisposable {
  readonly #system: System;
  readonly #env: Env;
  readonly #releases: readonly string[];
  readonly #coming = new Set<Promise<unknown>>();
  #ended = false;
  #started = 0;
  /** Why the last process that did not come up did not. */
  lastFailure: unknown;
  gateways: readonly Gateway[] = [];
  workers: readonly Worker[] = [];

  private constructor(system: System, env: Env, releases: readonly string[]) {
    this.#system = system;
    this.#env = env;
    this.#releases = releases;
  }

  static async start(system: System, size: FleetSize, env: Env = {}): Promise<Fleet> {
    const fleet = new Fleet(system, env, size.releases ?? ["."]);
    await Promise.all([
      ...Array.from({ length: size.gateways }, () => fleet.addGateway()),
      ...Array.from({ length: size.workers }, () => fleet.addWorker()),
    ]);
    await Promise.all(fleet.gateways.map(typesKnown));
    return fleet;
  }

  async addGateway(): Promise<Gateway> {
    const gateway = await this.#system.gateway({}, this.#nextRelease());
    this.gateways = [...this.gateways, gateway];
    void gateway.service.exited.then(() => this.#replace(gateway, () => this.addGateway()));
    return gateway;
  }

  async addWorker(): Promise<Worker> {
    const main = `${this.#nextRelease()}/${SCRIPTED_WORKER}`;
    const worker = await this.#system.worker(this.#env, main);
    this.workers = [...this.workers, worker];
    // Also one that its task takes down is replaced.
    void worker.service.exited.then(() => this.#replace(worker, () => this.addWorker()));
    return worker;
  }

  #nextRelease(): string {
    this.#started += 1;
    return this.#releases[this.#started % this.#releases.length] ?? ".";
  }

  /** Ends a process, which is no longer listed from now on; its replacement joins when it is up. */
  end(process: Gateway | Worker, signal: "SIGKILL" | "SIGTERM" = "SIGKILL"): void {
    this.#forget(process);
    process.service.kill(signal);
  }

  /** Replaces nobody any more, and resolves when all that were to come are up. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#ended = true;
    await Promise.allSettled(this.#coming);
  }

  #forget(process: Gateway | Worker): void {
    this.gateways = this.gateways.filter((other) => other !== process);
    this.workers = this.workers.filter((other) => other !== process);
  }

  #replace(process: Gateway | Worker, add: () => Promise<unknown>): void {
    this.#forget(process);
    if (this.#ended) return;
    const coming = this.#addAgain(add).finally(() => this.#coming.delete(coming));
    this.#coming.add(coming);
  }

  /** One that dies before it is up, of a task or of its broker's outage, is replaced too. */
  async #addAgain(add: () => Promise<unknown>): Promise<void> {
    while (!this.#ended) {
      try {
        await add();
        return;
      } catch (error) {
        this.lastFailure = error;
        await setTimeout(AGAIN_MS);
      }
    }
  }
}

/** One of them, by chance. */
export function oneOf<T>(all: readonly T[], random: () => number): T | undefined {
  return all[Math.floor(random() * all.length)];
}
