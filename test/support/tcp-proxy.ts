import { once } from "node:events";
import {
  type AddressInfo,
  createConnection,
  createServer,
  type Server,
  type Socket,
} from "node:net";
import { setTimeout } from "node:timers/promises";

/** Which way bytes go through the proxy. */
export type Way = "to broker" | "to client";

/** Stands between a service and its broker, on a line that a test may treat badly. */
export class TcpProxy implements AsyncDisposable {
  readonly url: string;
  readonly #server: Server;
  readonly #lines = new Set<Line>();
  readonly #silent = new Set<Way>();
  #delayMs = 0;
  /** Pieces that came from the broker. */
  heard = 0;

  private constructor(server: Server, target: number) {
    const { port } = server.address() as AddressInfo;
    this.url = `nats://127.0.0.1:${port}`;
    this.#server = server;
    server.on("connection", (client) => this.#join(client, target));
  }

  static async open(target: number): Promise<TcpProxy> {
    // Half-open is what it is for: when one side ends, the other is told by us, or not.
    const server = createServer({ allowHalfOpen: true }).listen(0, "127.0.0.1");
    await once(server, "listening");
    return new TcpProxy(server, target);
  }

  /**
   * Forwards nothing any more, not even an end, and keeps all sockets open, as when a cable is pulled. New connections are
   * taken, and hear nothing either.
   */
  silence(...ways: readonly Way[]): void {
    for (const way of ways) this.#silent.add(way);
    this.#apply();
  }

  /** Forwards again, first what was held up: as TCP does, which knows of no outage. */
  heal(): void {
    this.#silent.clear();
    this.#delayMs = 0;
    this.#apply();
  }

  /** Ends every connection, on both sides and at once. */
  cut(): void {
    for (const line of this.#lines) line.cut();
  }

  /** Holds every piece up for so long, one after the other. */
  slow(delayMs: number): void {
    this.#delayMs = delayMs;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.cut();
    this.#server.close();
    await once(this.#server, "close");
  }

  #join(client: Socket, target: number): void {
    const broker = createConnection({ port: target, host: "127.0.0.1", allowHalfOpen: true });
    const line = new Line({ client, broker }, () => this.#delayMs);
    this.#lines.add(line);
    const over = () => this.#lines.delete(line) && line.cut();
    for (const socket of [client, broker]) socket.on("error", over).on("close", over);
    broker.on("data", () => {
      this.heard += 1;
    });
    line.apply(this.#silent);
  }

  #apply(): void {
    for (const line of this.#lines) line.apply(this.#silent);
  }
}

interface Ends {
  readonly client: Socket;
  readonly broker: Socket;
}

/** One connection of a client, and ours to the broker in its stead. */
class Line {
  readonly #sockets: Ends;

  constructor(sockets: Ends, delayMs: () => number) {
    this.#sockets = sockets;
    const { client, broker } = sockets;
    forward(client, broker, delayMs);
    forward(broker, client, delayMs);
  }

  /** What is not read is held up, by us and by the kernel. */
  apply(silent: ReadonlySet<Way>): void {
    const { client, broker } = this.#sockets;
    if (silent.has("to broker")) client.pause();
    else client.resume();
    if (silent.has("to client")) broker.pause();
    else broker.resume();
  }

  cut(): void {
    this.#sockets.client.resetAndDestroy();
    this.#sockets.broker.resetAndDestroy();
  }
}

function forward(from: Socket, to: Socket, delayMs: () => number): void {
  let last: Promise<unknown> = Promise.resolve();
  const later = (act: () => void) => {
    const ms = delayMs();
    last = ms === 0 ? last.then(act) : last.then(() => setTimeout(ms)).then(act);
  };
  from.on("data", (piece) => later(() => to.writable && to.write(piece)));
  from.on("end", () => later(() => to.end()));
}
