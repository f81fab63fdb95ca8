import { setTimeout } from "node:timers/promises";
import { Code } from "@connectrpc/connect";
import { expect } from "vitest";
import { errorOf } from "./errors.ts";
import { type Gateway, scriptOf } from "./system.ts";
import { until } from "./until.ts";

/** What is promised of every service after an outage of the broker, however long it was. */
const PROMISED_MS = 5_000;
/** The 4 s that a request to the broker may take, and what the rest of a call takes on a busy machine. */
const REFUSED_MS = 4_500;

interface Probed {
  readonly gateway: Gateway;
  /** Services that must say how they are at /readyz, the gateway among them. */
  readonly services: readonly { readonly url: string }[];
}

async function isReady({ url }: { readonly url: string }): Promise<boolean> {
  return (await fetch(`${url}/readyz`)).ok;
}

/** Looks how long services take to work again when the broker is back, and holds them to what is promised. */
export class Recovery {
  /** The ids of the tasks that were submitted to find out. */
  readonly accepted: string[] = [];
  readonly #probed: Probed;
  #count = 0;
  #longestMs = 0;

  constructor(probed: Probed) {
    this.#probed = probed;
  }

  /** Resolves when no service says any more that it is ready. */
  async red(withinMs?: number): Promise<void> {
    await until(() => this.isRed(), withinMs);
  }

  /** Whether no service says that it is ready. */
  async isRed(): Promise<boolean> {
    return !(await Promise.all(this.#probed.services.map(isReady))).some(Boolean);
  }

  /** A caller is told within seconds that it may try again, rather than left to wait. */
  async refused(): Promise<number> {
    const askedAtMs = Date.now();
    const error = await errorOf(
      this.#probed.gateway.client.submitTask({ spec: { input: scriptOf({}) } }),
    );
    const tookMs = Date.now() - askedAtMs;
    expect(error.code).toBe(Code.Unavailable);
    expect(tookMs, "milliseconds until refused").toBeLessThan(REFUSED_MS);
    return tookMs;
  }

  /** Every service is ready, and a new task is accepted, within 5 s of the broker's return. */
  async green(backAtMs: number): Promise<number> {
    const { gateway, services } = this.#probed;
    this.#count += 1;
    const took = async (
      what: string,
      done: Promise<unknown>,
    ): Promise<readonly [string, number]> => {
      await done;
      return [what, Date.now() - backAtMs];
    };
    const all = await Promise.all([
      took("a submit", this.#submit(`probe-${this.#count}`)),
      ...services.map((each) =>
        took(
          each.url,
          until(() => isReady(each)),
        ),
      ),
    ]);
    const tookMs = Math.max(...all.map(([, ms]) => ms));
    this.#longestMs = Math.max(this.#longestMs, tookMs);
    const told = `${JSON.stringify(Object.fromEntries(all))}\n${gateway.service.tail()}\n`;
    expect(tookMs, `milliseconds until all worked again: ${told}`).toBeLessThan(PROMISED_MS);
    return tookMs;
  }

  /** For the report: how often, and the longest of all. */
  get figure(): string {
    return `${(this.#longestMs / 1_000).toFixed(1)} s, of ${this.#count} outages`;
  }

  async #submit(taskId: string): Promise<void> {
    for (;;) {
      try {
        await this.#probed.gateway.client.submitTask({ taskId, spec: { input: scriptOf({}) } });
        this.accepted.push(taskId);
        return;
      } catch {
        await setTimeout(20);
      }
    }
  }
}
