import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { pause } from "#lib/async/pause.ts";
import { callLater, timeoutSignal } from "#lib/async/timers.ts";

const DAY_MS = 24 * 3_600_000;

describe("a time that Node's timers can't wait", () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  test.each([1, 20, 30, 70])("of %i days is waited to its end, and no longer", (days) => {
    const act = vi.fn();
    callLater(days * DAY_MS, act);
    vi.advanceTimersByTime(days * DAY_MS - 1);
    expect(act).not.toHaveBeenCalled();
    vi.advanceTimersByTime(1);
    expect(act).toHaveBeenCalledOnce();
  });

  test("is not waited any more when it is disposed of, early or late", () => {
    const act = vi.fn();
    const timers = [callLater(30 * DAY_MS, act), callLater(30 * DAY_MS, act)];
    timers[0]?.[Symbol.dispose]();
    vi.advanceTimersByTime(28 * DAY_MS);
    timers[1]?.[Symbol.dispose]();
    vi.advanceTimersByTime(28 * DAY_MS);
    expect(act).not.toHaveBeenCalled();
  });

  test("is a pause that only its signal ends early", async () => {
    const leaving = new AbortController();
    const over = vi.fn();
    const paused = pause(30 * DAY_MS, leaving.signal).then(over);
    await vi.advanceTimersByTimeAsync(29 * DAY_MS);
    expect(over).not.toHaveBeenCalled();
    leaving.abort();
    await paused;
  });
});

test("a signal of 30 days, or of a hundred years, is neither refused nor over at once", async () => {
  const signals = [30, 36_500].map((days) => timeoutSignal(days * DAY_MS));
  await pause(20, new AbortController().signal);
  expect(signals.map(({ aborted }) => aborted)).toEqual([false, false]);
});
