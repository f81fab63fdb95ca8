import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { Connected } from "#lib/broker/link/link.ts";
import { readBatch } from "#lib/broker/log/read-batch.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test("a read that the client refuses to begin fails, and leaves nothing that would fail later", async () => {
  const refusal = new Error("stream name ('a b') cannot contain ' '");
  const connected = {
    lost: new AbortController().signal,
    names: { eventsStream: "a b" },
    jsm: {
      direct: {
        // As the client does: it throws, and gives no promise that could be rejected.
        getBatch() {
          throw refusal;
        },
      },
    },
  } as unknown as Connected;
  const read = readBatch(connected, { from: 1, subject: ">", maxMessages: 1 }, () => {});
  await expect(read).rejects.toBe(refusal);
  expect(vi.getTimerCount()).toBe(0);
});
