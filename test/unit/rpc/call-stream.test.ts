import { expect, test } from "vitest";
import { hooked } from "#lib/rpc/call-stream.ts";

async function* words(...all: string[]) {
  yield* all;
}

async function* broken() {
  yield "one";
  throw new Error("lost");
}

test("hooks around hooks see what those inside make of it, from the inside out", async () => {
  const ends: unknown[] = [];
  const inner = hooked(words("a"), {
    mapItem: (word) => `${word}b`,
    onEnd: (error) => ends.push(["inner", error]),
  });
  const outer = hooked(inner, {
    mapItem: (word) => `${word}c`,
    onEnd: (error) => ends.push(["outer", error]),
  });
  expect(await Array.fromAsync(outer)).toEqual(["abc"]);
  expect(ends).toEqual([
    ["inner", undefined],
    ["outer", undefined],
  ]);
});

test("an error is told as the outermost hook has it, and to each of them that it was the end", async () => {
  const ends: unknown[] = [];
  const inner = hooked(broken(), { mapError: () => "lost, said the inner one" });
  const outer = hooked(inner, {
    mapError: (error) => `${error}, and the outer one`,
    onEnd: (error) => ends.push(error),
  });
  await expect(Array.fromAsync(outer)).rejects.toBe("lost, said the inner one, and the outer one");
  expect(ends).toEqual(["lost, said the inner one, and the outer one"]);
});
