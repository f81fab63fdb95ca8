import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { Delivery } from "#lib/broker/queues/delivery.ts";
import { BEAT_MS } from "#lib/broker/queues/delivery.ts";
import { Lease } from "../../../services/worker/lease.ts";

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["performance"] });
});

afterEach(() => {
  vi.useRealTimers();
});

function deliveryOf(said: string[]): Delivery {
  const say = (answer: string) => () => said.push(answer);
  const delivery: Pick<Delivery, "extend" | "done" | "putBack"> = {
    extend: say("extend"),
    done: say("done"),
    putBack: say("put back"),
  };
  return delivery as Delivery;
}

test("a task that was held all the time is let go of", () => {
  const said: string[] = [];
  const lease = new Lease(deliveryOf(said));
  for (let beat = 0; beat < 5; beat += 1) {
    vi.advanceTimersByTime(BEAT_MS);
    lease.extend();
  }
  lease.done();
  expect(said.at(-1)).toBe("done");
});

test.each(["before its end", "before a beat"])(
  "a worker that was frozen %s does not let go of what may be another's by now",
  (when) => {
    const said: string[] = [];
    const lease = new Lease(deliveryOf(said));
    vi.advanceTimersByTime(2 * BEAT_MS);
    if (when === "before a beat") lease.extend();
    lease.done();
    expect(said).not.toContain("done");
  },
);

test("a task that is delivered to it anew is its own for sure", () => {
  const said: string[] = [];
  const lease = new Lease(deliveryOf([]));
  vi.advanceTimersByTime(2 * BEAT_MS);
  lease.renew(deliveryOf(said));
  lease.done();
  expect(said).toEqual(["done"]);
});
