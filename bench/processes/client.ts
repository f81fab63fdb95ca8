import { once } from "node:events";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { Load, LoadResult } from "../client/load.ts";
import type { Answer, Order } from "../client/orders.ts";
import { Child } from "./child.ts";

/** A load that takes longer has callers that nobody tells anything any more. */
const PATIENCE_MS = 180_000;

const MAIN = fileURLToPath(new URL("../client/main.ts", import.meta.url));

interface ClientOptions {
  /** The module of the system's caller, as a URL. */
  readonly module: string;
  /** Where the system is called. */
  readonly address: string;
  readonly env: NodeJS.ProcessEnv;
}

/** The process that calls the system under test. */
export class Client implements AsyncDisposable {
  readonly child: Child;

  private constructor(child: Child) {
    this.child = child;
  }

  static async start({ module, address, env }: ClientOptions): Promise<Client> {
    const args = [MAIN, module, address];
    const child = await Child.start({
      role: "client",
      command: process.execPath,
      args,
      env,
      channel: true,
    });
    const client = new Client(child);
    await client.#answer();
    return client;
  }

  /** @param restart Has the gateways restarted, and resolves with when they were killed; for loads that want that. */
  async put(load: Load, restart: () => Promise<number>): Promise<LoadResult> {
    let answer = await this.#obey({ do: "load", load });
    if (answer.did === "want restart") {
      answer = await this.#obey({ do: "go on", killedAtMs: await restart() });
    }
    if (answer.did === "load") return answer.result;
    throw new Error(`the client answered "${answer.did}" to a load`);
  }

  /** The ids of all tasks that were accepted since the last time. */
  async accepted(): Promise<readonly string[]> {
    const answer = await this.#obey({ do: "tell accepted" });
    if (answer.did === "tell accepted") return answer.ids;
    throw new Error(`the client answered "${answer.did}" when asked what was accepted`);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.child[Symbol.asyncDispose]();
  }

  async #obey(order: Order): Promise<Answer> {
    this.child.throwIfExited();
    this.child.process.send(order);
    const answer = await this.#answer();
    if (answer.did === "fail") throw new Error(`the client failed: ${answer.error}`);
    return answer;
  }

  /** The next one; fails if the client ends before, or gives none. */
  async #answer(): Promise<Answer> {
    const settled = new AbortController();
    const { signal } = settled;
    const { process: child } = this.child;
    try {
      return await Promise.race([
        once(child, "message", { signal }).then(([answer]) => answer as Answer),
        once(child, "exit", { signal }).then(() => this.child.throwExited()),
        delay(PATIENCE_MS, undefined, { signal }).then(() => {
          throw new Error(`callers were waiting for more than ${PATIENCE_MS / 1000} s`);
        }),
      ]);
    } finally {
      settled.abort();
    }
  }
}
