import type { ClusterInfo } from "@nats-io/jetstream";
import { nanos } from "@nats-io/nats-core";
import { expect, test } from "vitest";
import { hasMajority } from "#lib/broker/link/has-majority.ts";

function ledBy(leader: string, ...silentMs: readonly number[]): ClusterInfo {
  const replicas = silentMs.map((ms, index) => ({
    name: `r${index}`,
    current: true,
    offline: false,
    active: nanos(ms),
    lag: 0,
  }));
  return { name: "cluster", leader, replicas };
}

test("a stream of a single server has all that it needs", () => {
  expect(hasMajority(undefined)).toBe(true);
  expect(hasMajority({ name: "", leader: "n0" })).toBe(true);
});

test("a stream without a leader has no majority", () => {
  expect(hasMajority(ledBy("", 0, 0))).toBe(false);
});

test("a leader of three needs one that it hears from, and a leader of five two", () => {
  expect(hasMajority(ledBy("n0", 500, 60_000))).toBe(true);
  expect(hasMajority(ledBy("n0", 4_000, 60_000))).toBe(false);
  expect(hasMajority(ledBy("n0", 0, 0, 9_000, 9_000))).toBe(true);
  expect(hasMajority(ledBy("n0", 0, 9_000, 9_000, 9_000))).toBe(false);
});
