import type { Broker } from "#lib/broker/broker.ts";
import type { LogUsage } from "#lib/broker/log/log-space.ts";
import { Polling } from "./polling.ts";

/** How full the history is, as the broker said last. */
export class HistoryUsage {
  readonly polling: Polling;
  #newest: LogUsage | undefined;

  constructor({ link, space }: Pick<Broker, "link" | "space">) {
    const ask = async () => {
      this.#newest = await space.usage();
    };
    this.polling = new Polling({ link, what: "the history's figures", ask });
  }

  /** Undefined as long as the broker has not said. */
  get newest(): LogUsage | undefined {
    return this.#newest;
  }
}
