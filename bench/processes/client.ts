import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { Load, LoadResult } from "../client/load.ts";
import type { Answer, Order } from "../client/orders.ts";
import { Child } from "./child.ts";

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

  async put(load: Load): Promise<LoadResult> {
    const answer = await this.#obey({ do: "load", load });
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
    const answered = this.#answer();
    this.child.process.send(order);
    const answer = await answered;
    if (answer.did === "fail") throw new Error(`the client failed: ${answer.error}`);
    return answer;
  }

  /** The next one; fails if the client ends before. */
  async #answer(): Promise<Answer> {
    const ended = new AbortController();
    const { process: child } = this.child;
    try {
      const [answer] = await Promise.race([
        once(child, "message", { signal: ended.signal }),
        once(child, "exit", { signal: ended.signal }).then(() => {
          this.child.throwIfExited();
          return [];
        }),
      ]);
      return answer as Answer;
    } finally {
      ended.abort();
    }
  }
}
