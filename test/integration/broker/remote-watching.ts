import type { Broker } from "#lib/broker/broker.ts";
import type { Watching } from "#lib/broker/watch/watching.ts";
import { openTestBroker } from "#test/support/broker.ts";
import { startTestNats, type TestNats } from "#test/support/nats.ts";
import { TcpProxy } from "#test/support/tcp-proxy.ts";
import { until } from "#test/support/until.ts";
import { openWatching } from "./watch-record.ts";

/** A watching whose line to the broker can be cut, and another process that goes on meanwhile. */
export class RemoteWatching implements AsyncDisposable {
  readonly nats: TestNats;
  readonly line: TcpProxy;
  readonly watching: Watching;
  /** What it watches by. */
  readonly broker: Broker;
  readonly other: Broker;
  readonly #held: AsyncDisposableStack;

  private constructor(
    opened: Omit<RemoteWatching, "unheard" | keyof AsyncDisposable>,
    held: AsyncDisposableStack,
  ) {
    this.nats = opened.nats;
    this.line = opened.line;
    this.watching = opened.watching;
    this.broker = opened.broker;
    this.other = opened.other;
    this.#held = held;
  }

  /** Prepares something before the watching begins. */
  static async open(
    before: (other: Broker) => Promise<unknown> = async () => {},
  ): Promise<RemoteWatching> {
    await using opening = new AsyncDisposableStack();
    const nats = opening.use(await startTestNats());
    const line = opening.use(await TcpProxy.open(nats.port));
    const other = opening.use(await openTestBroker(nats.url));
    await before(other);
    const broker = opening.use(await openTestBroker(line.url));
    const watching = opening.use(await openWatching(broker));
    return new RemoteWatching({ nats, line, watching, broker, other }, opening.move());
  }

  /** Does something that the watching does not hear of, for its line is cut until that is done. */
  async unheard(happens: () => Promise<unknown>): Promise<void> {
    this.line.silence("to broker", "to client");
    this.line.cut();
    await until(() => !this.watching.line.isUp);
    await happens();
    this.line.heal();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#held.disposeAsync();
  }
}
