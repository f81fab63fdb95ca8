import { type NatsServerOptions, startNatsServer } from "#cli/nats-server/run-nats-server.ts";
import type { RoleProcess } from "../measure/meter.ts";

type Started = Awaited<ReturnType<typeof startNatsServer>>;

/** A nats-server that can be killed, and is then started again with the same store and port. */
export class NatsNode implements RoleProcess, AsyncDisposable {
  readonly role = "nats-server";
  readonly #options: NatsServerOptions;
  #server: Started;

  private constructor(options: NatsServerOptions, server: Started) {
    this.#options = options;
    this.#server = server;
  }

  static async start(options: NatsServerOptions): Promise<NatsNode> {
    return new NatsNode(options, await startNatsServer(options));
  }

  get pid(): number {
    return this.#server.pid;
  }

  get url(): string {
    return this.#server.url;
  }

  get monitorUrl(): string {
    return `${this.#server.monitorUrl}`;
  }

  /** Resolves when it serves again. */
  async restart(): Promise<void> {
    this.#server.kill("SIGKILL");
    await this.#server.stop();
    this.#server = await startNatsServer(this.#options);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#server.stop();
  }
}
