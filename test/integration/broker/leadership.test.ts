import { expect, test } from "vitest";
import { aborted } from "#lib/async/abort.ts";
import type { Broker } from "#lib/broker/broker.ts";
import { openTestBroker } from "#test/support/broker.ts";
import { startTestNats } from "#test/support/nats.ts";
import { until } from "#test/support/until.ts";

/** A candidate that leads when it may; `terms` says how often it did. */
function candidate(broker: Broker, name: string) {
  const leadership = broker.leadership("test", name);
  const leaving = new AbortController();
  const stand = { leadership, terms: 0, leave: () => leaving.abort(), ended: Promise.resolve() };
  stand.ended = leadership.campaign((signal) => {
    stand.terms += 1;
    return aborted(signal);
  }, leaving.signal);
  return stand;
}

test("one of many leads; when it leaves another follows, and nobody leads beside them", async () => {
  await using nats = await startTestNats();
  await using broker = await openTestBroker(nats.url);
  const candidates = ["a", "b", "c"].map((name) => candidate(broker, name));
  const leading = () => candidates.filter(({ leadership }) => leadership.isHeld);
  await until(() => leading().length > 0);
  expect(leading()).toHaveLength(1);
  const [first] = leading();
  first?.leave();
  await first?.ended;
  expect(first?.leadership.isHeld).toBe(false);
  await until(() => leading().length > 0, 8_000);
  expect(leading()).toHaveLength(1);
  expect(candidates.map(({ terms }) => terms).sort()).toEqual([0, 1, 1]);
  for (const { leave } of candidates) leave();
  await Promise.all(candidates.map(({ ended }) => ended));
});

test("a leader that can't reach the broker stops before anyone else can lead", async () => {
  await using nats = await startTestNats();
  await using broker = await openTestBroker(nats.url);
  const leader = candidate(broker, "a");
  await until(() => leader.leadership.isHeld);
  await nats.pause();
  // The lease lasts 10 s; nothing that is asked in the meantime makes it last longer.
  await until(() => !leader.leadership.isHeld, 10_500);
  nats.resume();
  await until(() => leader.leadership.isHeld);
  leader.leave();
  await leader.ended;
});

test("a lease outlives a restart of the broker, and its holder goes on with it", async () => {
  await using nats = await startTestNats();
  await using broker = await openTestBroker(nats.url);
  await using elsewhere = await openTestBroker(nats.url);
  const leader = candidate(broker, "a");
  await until(() => leader.leadership.isHeld);
  const other = candidate(elsewhere, "b");
  await nats.kill("SIGKILL");
  await until(() => !leader.leadership.isHeld);
  await nats.restart();
  await until(() => leader.leadership.isHeld || other.leadership.isHeld);
  expect(other.terms).toBe(0);
  leader.leave();
  other.leave();
  await Promise.all([leader.ended, other.ended]);
});
