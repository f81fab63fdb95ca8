import { expect, test } from "vitest";
import type { Watcher } from "../../../bench/client/caller.ts";
import { pauseMs, watchPersistently } from "../../../bench/client/watch-persistently.ts";

const broken = new Error("the connection broke");

/** A watch that does one of these after the other, each time it is opened. */
function scripted(...times: ((watcher: Watcher) => string)[]) {
  const opened: (bigint | undefined)[] = [];
  const watch = async (watcher: Watcher) => {
    opened.push(watcher.after);
    return times[opened.length - 1]?.(watcher) ?? "too often";
  };
  return { watch, opened };
}

function breaks(): never {
  throw broken;
}

function opens(sequence: bigint) {
  return (watcher: Watcher) => {
    watcher.onOpen?.();
    watcher.onEvent?.(sequence);
    return breaks();
  };
}

const noPause = async () => {};

test("a watch that breaks is opened again after the last event that it was told", async () => {
  const { watch, opened } = scripted(opens(7n), breaks, opens(9n), () => "the end");
  let openings = 0;
  const watcher = {
    onOpen() {
      openings += 1;
    },
  };
  expect(await watchPersistently(watch, watcher, { pause: noPause })).toBe("the end");
  expect(opened).toEqual([0n, 7n, 7n, 9n]);
  expect(openings).toBe(2);
});

test("a watch that is refused is asked for again, and each time counts", async () => {
  const { watch } = scripted(breaks, breaks, () => "the end");
  let failures = 0;
  const onFailure = () => {
    failures += 1;
  };
  expect(await watchPersistently(watch, {}, { pause: noPause, onFailure })).toBe("the end");
  expect(failures).toBe(2);
});

test("what stays away for more than a minute is given up, with what was wrong last", async () => {
  const { watch, opened } = scripted(...Array.from({ length: 10 }, () => breaks));
  let nowMs = 0;
  const pause = async () => {
    nowMs += 25_000;
  };
  const watching = watchPersistently(watch, {}, { pause, now: () => nowMs });
  await expect(watching).rejects.toBe(broken);
  expect(opened).toHaveLength(4);
});

test("pauses grow up to a second, and begin anew once the watch was open", async () => {
  const { watch } = scripted(opens(1n), breaks, breaks, opens(1n), () => "the end");
  const pauses: number[] = [];
  await watchPersistently(watch, {}, { pause: async (ms) => pauses.push(ms) });
  const [first = 0, second = 0, third = 0, anew = 0] = pauses;
  expect(Math.max(first, anew)).toBeLessThanOrEqual(150);
  expect(second).toBeGreaterThanOrEqual(100);
  expect(third).toBeGreaterThanOrEqual(200);
  expect([0, 1, 2, 3, 4, 9].map((failures) => pauseMs(failures, () => 0.5))).toEqual([
    100, 200, 400, 800, 1_000, 1_000,
  ]);
  expect([pauseMs(0, () => 0), pauseMs(0, () => 1)]).toEqual([50, 150]);
});
