import { expect, test } from "vitest";
import { opened } from "#lib/async/opened.ts";

/** A stream that tells whether its reader has left. */
function numbers() {
  const given = { isLeft: false };
  async function* count() {
    try {
      for (let n = 1; ; n += 1) yield n;
    } finally {
      given.isLeft = true;
    }
  }
  return { given, count };
}

test("a stream is opened when it is first read, once", async () => {
  let times = 0;
  const stream = opened(async () => {
    times += 1;
    return numbers().count();
  });
  expect(times).toBe(0);
  expect(await stream.next()).toMatchObject({ value: 1 });
  expect(await stream.next()).toMatchObject({ value: 2 });
  expect(times).toBe(1);
});

test("what fails while it is opened is told once, and then the stream is over", async () => {
  const stream = opened<number>(() => Promise.reject(new Error("no such task")));
  await expect(stream.next()).rejects.toThrow("no such task");
  expect(await stream.next()).toMatchObject({ done: true });
});

test("a reader that leaves stops what was opened", async () => {
  const { given, count } = numbers();
  const stream = opened(async () => count());
  await stream.next();
  expect(await stream.return?.()).toMatchObject({ done: true });
  expect(given.isLeft).toBe(true);
  expect(await stream.next()).toMatchObject({ done: true });
});

test("one that leaves while it is being opened stops it when it is open, and is given nothing", async () => {
  const opening = Promise.withResolvers<AsyncIterable<number>>();
  const stream = opened(() => opening.promise);
  const first = stream.next();
  await stream.return?.();
  let isLeft = false;
  const source: AsyncIterator<number> = {
    next: () => Promise.reject(new Error("nobody reads")),
    async return() {
      isLeft = true;
      return { done: true, value: undefined };
    },
  };
  opening.resolve({ [Symbol.asyncIterator]: () => source });
  expect(await first).toMatchObject({ done: true });
  expect(isLeft).toBe(true);
});
