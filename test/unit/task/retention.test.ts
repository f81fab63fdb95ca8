import { durationFromMs } from "@bufbuild/protobuf/wkt";
import { expect, test } from "vitest";
import { keptFor } from "#lib/task/retention.ts";

const HOUR_MS = 3_600_000;

test("a task is kept for as long as it says, else as its type says, if that is less than the history", () => {
  const own = { keepFor: durationFromMs(1) };
  const type = (hours: number) => ({ keepFor: durationFromMs(hours * HOUR_MS) });
  expect(keptFor(own, type(1), 2 * HOUR_MS)).toEqual(durationFromMs(1));
  expect(keptFor({}, type(1), 2 * HOUR_MS)).toEqual(durationFromMs(HOUR_MS));
  expect(keptFor({}, type(2), 2 * HOUR_MS)).toBeUndefined();
  expect(keptFor({}, {}, 2 * HOUR_MS)).toBeUndefined();
  expect(keptFor({}, undefined, 2 * HOUR_MS)).toBeUndefined();
});
