import type { Msg, NatsConnection } from "@nats-io/nats-core";
import { pause } from "#lib/async/pause.ts";

const AGAIN_AFTER_MS = 500;

type Request = NatsConnection["request"];

/**
 * The connection for requests that do no harm when they are made twice. A cluster that is choosing a leader drops
 * requests in silence: each is made again until one is answered, and none is given up before its time, for the server
 * may as well be slow.
 */
export function askingAgain(nc: NatsConnection): NatsConnection {
  const request: Request = (subject, payload, options) =>
    firstAnswer((leftMs) => nc.request(subject, payload, { ...options, timeout: leftMs }), {
      withinMs: options?.timeout ?? 0,
    });
  return new Proxy(nc, {
    get: (target, key) => {
      if (key === "request") return request;
      const value: unknown = Reflect.get(target, key);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}

type Ask = (leftMs: number) => Promise<Msg>;

async function firstAnswer(ask: Ask, { withinMs }: { readonly withinMs: number }): Promise<Msg> {
  const answered = new AbortController();
  try {
    const asked = [ask(withinMs)];
    for (let leftMs = withinMs - AGAIN_AFTER_MS; leftMs > 0; leftMs -= AGAIN_AFTER_MS) {
      const waited = pause(AGAIN_AFTER_MS, answered.signal).then(() => undefined);
      const answer = await Promise.race([...asked, waited]);
      if (answer) return answer;
      asked.push(ask(leftMs));
    }
    return await Promise.race(asked);
  } finally {
    answered.abort();
  }
}
