import { expect, onTestFinished, test, vi } from "vitest";
import { readNewest } from "#lib/broker/log/read-batch.ts";
import { openTestBroker } from "#test/support/broker.ts";
import { startTestNats } from "#test/support/nats.ts";

test("a read that the NATS client refuses to begin fails, and leaves nothing that would fail later", async () => {
  await using nats = await startTestNats();
  await using broker = await openTestBroker(nats.url);
  const connected = broker.link.use();
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  onTestFinished(() => void vi.useRealTimers());
  const read = readNewest(connected, ["waits"], "no name of a stream");
  await expect(read).rejects.toThrow("cannot contain ' '");
  expect(vi.getTimerCount()).toBe(0);
  vi.useRealTimers();
});
