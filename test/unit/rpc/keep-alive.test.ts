import { setImmediate } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { withKeepAlive } from "#lib/rpc/keep-alive.ts";

const NEVER = 2 ** 30;

/** A source that gives what the test hands it, and tells when it was stopped. */
function source() {
  const waiting: PromiseWithResolvers<IteratorResult<string>>[] = [];
  const stopped = Promise.withResolvers<void>();
  return {
    stopped: stopped.promise,
    asked: () => waiting.length,
    give: (value: string) => waiting.shift()?.resolve({ done: false, value }),
    end: () => waiting.shift()?.resolve({ done: true, value: undefined }),
    fail: (error: Error) => waiting.shift()?.reject(error),
    [Symbol.asyncIterator]: () => ({
      next() {
        const next = Promise.withResolvers<IteratorResult<string>>();
        waiting.push(next);
        return next.promise;
      },
      async return() {
        stopped.resolve();
        return { done: true, value: undefined } as const;
      },
    }),
  };
}

describe("a stream with keep-alives", () => {
  test("passes items on and ends with its source", async () => {
    const given = (async function* () {
      yield "a";
      yield "b";
    })();
    const stream = withKeepAlive(given, NEVER, () => "alive", new AbortController().signal);
    expect(await Array.fromAsync(stream)).toEqual(["a", "b"]);
    expect(await stream.next()).toEqual({ done: true, value: undefined });
  });

  test("says that it is alive after every silence, asking the source only once", async () => {
    const given = source();
    const stream = withKeepAlive(given, 1, () => "alive", new AbortController().signal);
    expect(await stream.next()).toEqual({ done: false, value: "alive" });
    expect(await stream.next()).toEqual({ done: false, value: "alive" });
    expect(given.asked()).toBe(1);
    given.give("late");
    expect(await stream.next()).toEqual({ done: false, value: "late" });
  });

  test("hands on the source's error, also one that came while nobody waited", async () => {
    const given = source();
    const stream = withKeepAlive(given, 1, () => "alive", new AbortController().signal);
    await stream.next();
    given.fail(new Error("broken"));
    await expect(stream.next()).rejects.toThrow("broken");
    expect(await stream.next()).toEqual({ done: true, value: undefined });
  });

  test("hands on an error that came long before anybody asked", async () => {
    const given = source();
    const stream = withKeepAlive(given, 1, () => "alive", new AbortController().signal);
    await stream.next();
    given.fail(new Error("broken"));
    await setImmediate();
    await expect(stream.next()).rejects.toThrow("broken");
    expect(await stream.next()).toEqual({ done: true, value: undefined });
  });

  test("hands on nothing more once its signal aborts, though it had come", async () => {
    const given = source();
    const leaving = new AbortController();
    const stream = withKeepAlive(given, 1, () => "alive", leaving.signal);
    await stream.next();
    given.give("late");
    await setImmediate();
    leaving.abort();
    expect(await stream.next()).toEqual({ done: true, value: undefined });
  });

  test("stops its parked source at once when the reader stops", async () => {
    const given = source();
    const stream = withKeepAlive(given, NEVER, () => "alive", new AbortController().signal);
    const waiting = stream.next();
    await stream.return?.();
    expect(await waiting).toEqual({ done: true, value: undefined });
    await given.stopped;
  });

  test("stops its parked source at once when the signal aborts", async () => {
    const given = source();
    const leave = new AbortController();
    const waiting = withKeepAlive(given, NEVER, () => "alive", leave.signal).next();
    leave.abort();
    expect(await waiting).toEqual({ done: true, value: undefined });
    await given.stopped;
  });

  test("is over before it began when the signal had aborted", async () => {
    const given = source();
    const stream = withKeepAlive(given, NEVER, () => "alive", AbortSignal.abort());
    expect(await Array.fromAsync(stream)).toEqual([]);
    expect(given.asked()).toBe(0);
  });
});
