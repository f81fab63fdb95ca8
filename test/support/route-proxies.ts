import { TcpProxy } from "./tcp-proxy.ts";
import { unusedPort } from "./unused-port.ts";

interface Route {
  readonly ends: readonly string[];
  readonly proxy: TcpProxy;
}

/** Stand between the servers of a cluster, and leave their clients alone. */
export class RouteProxies implements AsyncDisposable {
  readonly #routes: Route[] = [];

  /** The port at which one server finds another, whose own route port is the target. */
  async portFor(from: string, to: string, target: number): Promise<number> {
    const proxy = await TcpProxy.open(target);
    this.#routes.push({ ends: [from, to], proxy });
    return Number(new URL(proxy.url).port);
  }

  /** Where servers are told to find one that they have heard of from others: nowhere, for that way is not ours. */
  nowhere(): Promise<number> {
    return unusedPort();
  }

  /** No server hears of this one any more, nor this one of any other. */
  cutOff(name: string): void {
    for (const { ends, proxy } of this.#routes) {
      if (ends.includes(name)) proxy.silence("to broker", "to client");
    }
  }

  heal(): void {
    for (const { proxy } of this.#routes) proxy.heal();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#routes.map(({ proxy }) => proxy[Symbol.asyncDispose]()));
  }
}
