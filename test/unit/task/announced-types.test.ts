import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { expect, test } from "vitest";
import { TaskTypeSchema } from "#gen/millrace/v1/task_type_pb.ts";
import { type Announcement, aliasesOf, announcedTypes } from "#lib/task/announced-types.ts";

const MINUTE_MS = 60_000;
const NAME = "shop.v1.SendReceipt";

interface Given {
  readonly description?: string;
  readonly name?: string;
  readonly alias?: string;
  /** When it was announced first, and when it was seen last; in minutes. */
  readonly from?: number;
  readonly seen: number;
}

function announced({ from, seen, name = NAME, ...said }: Given): Announcement {
  const announceTime =
    from === undefined ? {} : { announceTime: timestampFromMs(from * MINUTE_MS) };
  const type = create(TaskTypeSchema, { name, ...said, ...announceTime });
  return { type, seenMs: seen * MINUTE_MS };
}

function newestOf(...releases: readonly Given[]) {
  const found = announcedTypes(releases.map(announced)).get(NAME);
  return {
    newest: found?.newest.type.description,
    others: found?.others.map(({ type }) => type.description),
    lastSeen: (found?.lastSeenMs ?? 0) / MINUTE_MS,
  };
}

test("of two releases at work, the one that was announced last counts", () => {
  const before = { description: "before", from: 0, seen: 100 };
  const now = { description: "now", from: 90, seen: 99 };
  const both = { newest: "now", others: ["before"], lastSeen: 100 };
  expect(newestOf(before, now)).toEqual(both);
  expect(newestOf(now, before)).toEqual(both);
});

test("a release that was taken back counts no more when it has been silent for three minutes", () => {
  const before = { description: "before", from: 0 };
  const now = { description: "now", from: 90, seen: 100 };
  expect(newestOf({ ...before, seen: 102 }, now).newest).toBe("now");
  expect(newestOf({ ...before, seen: 103 }, now)).toEqual({
    newest: "before",
    others: [],
    lastSeen: 103,
  });
});

test("what a release announced that does not say when counts from when it said so", () => {
  const old = { description: "old", seen: 50 };
  expect(newestOf(old, { description: "new", from: 51, seen: 52 }).newest).toBe("new");
  expect(newestOf(old, { description: "older", from: 49, seen: 52 }).newest).toBe("old");
});

function aliases(...types: readonly Given[]) {
  return Object.fromEntries(aliasesOf(announcedTypes(types.map(announced))));
}

test("an alias means the type that has it, and no alias means none", () => {
  expect(aliases({ alias: "receipt", seen: 0 }, { name: "b", seen: 0 })).toEqual({
    receipt: [NAME],
  });
});

test("an alias that two types at work have means both", () => {
  const seen = 10;
  expect(aliases({ name: "b", alias: "x", seen }, { name: "a", alias: "x", seen: 9 })).toEqual({
    x: ["a", "b"],
  });
});

test("an alias goes to the type that is still at work", () => {
  expect(aliases({ name: "a", alias: "x", seen: 0 }, { name: "b", alias: "x", seen: 9 })).toEqual({
    x: ["b"],
  });
});
