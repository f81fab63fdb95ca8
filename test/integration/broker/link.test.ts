import { setTimeout } from "node:timers/promises";
import { expect, test } from "vitest";
import { openTestBroker } from "#test/support/broker.ts";
import { startTestNats } from "#test/support/nats.ts";
import { TcpProxy } from "#test/support/tcp-proxy.ts";

const NEVER = new AbortController().signal;
/** It asks the broker how it is every 2 s. */
const UNDER_WAY_MS = 2_100;
/** The answer would be waited for 4 s: until 1.9 s after the cut at the earliest. */
const AT_ONCE_MS = 1_500;

test("a line that breaks under a question is up again as soon as there is a new one", async () => {
  await using nats = await startTestNats();
  await using line = await TcpProxy.open(nats.port);
  await using broker = await openTestBroker(line.url);
  line.silence("to client");
  await setTimeout(UNDER_WAY_MS);
  const down = Promise.withResolvers<void>();
  using _ = broker.link.onChange((up) => !up && down.resolve());
  line.cut();
  line.heal();
  const cutAt = performance.now();
  await down.promise;
  await broker.link.whenUp(NEVER);
  expect(performance.now() - cutAt).toBeLessThan(AT_ONCE_MS);
});
