import { expect, test } from "vitest";
import { Merge } from "#lib/async/merge.ts";

async function* counting(name: string, upTo: number, ended: string[] = []) {
  try {
    for (let count = 1; count <= upTo; count += 1) yield `${name}${count}`;
  } finally {
    ended.push(name);
  }
}

async function* failing() {
  yield "so far";
  throw new Error("no more");
}

test("what the sources bring comes in the order of each, until all have ended", async () => {
  using many = new Merge<string>();
  many.add(counting("a", 3));
  many.add(counting("b", 2));
  const items = await Array.fromAsync(many.items());
  expect(items.filter((item) => item.startsWith("a"))).toEqual(["a1", "a2", "a3"]);
  expect(items.filter((item) => item.startsWith("b"))).toEqual(["b1", "b2"]);
});

test("a source that brings much does not hold up the others", async () => {
  using many = new Merge<string>();
  many.add(counting("a", 1_000));
  many.add(counting("b", 2));
  const items: string[] = [];
  for await (const item of many.items()) {
    items.push(item);
    if (item === "b2") break;
  }
  expect(items.length).toBeLessThan(10);
});

test("the failure of one source ends the reading", async () => {
  using many = new Merge<string>();
  many.add(counting("a", 1_000_000));
  many.add(failing());
  await expect(Array.fromAsync(many.items())).rejects.toThrow("no more");
});

test("a reader that leaves ends every source, also those that wait to be read", async () => {
  const ended: string[] = [];
  const many = new Merge<string>();
  for (const name of ["a", "b", "c"]) many.add(counting(name, 1_000, ended));
  const items = many.items();
  await items.next();
  many[Symbol.dispose]();
  await expect.poll(() => ended.toSorted()).toEqual(["a", "b", "c"]);
});
