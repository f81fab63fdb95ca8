import { expect, test } from "vitest";
import { FORMS } from "../../../bench/plan.ts";
import { idleWatches } from "../../../bench/works/idle-watches.ts";

const casesWith = (watches: number) => idleWatches.cases({ ...FORMS.full, watches }, 64);

test("watches are opened and resumed, by gRPC and over Connect", () => {
  expect(casesWith(500).map(({ name }) => name)).toEqual([
    "500 watches",
    "500 watches, gateway restarted",
    "500 watches over Connect",
    "500 watches over Connect, gateway restarted",
  ]);
});

test("rivals that have one protocol and no gateway only open them", () => {
  const needs = casesWith(500).map((each) => each.needs);
  expect(needs).toEqual([
    ["watch"],
    ["watch", "restart"],
    ["watch", "connect"],
    ["watch", "connect", "restart"],
  ]);
});

test("no gRPC connection has more calls than a gateway takes of one", () => {
  const connections = [500, 10_000, 25_000].map(
    (watches) => casesWith(watches)[0]?.setup?.connections,
  );
  expect(connections).toEqual([1, 4, 10]);
});
