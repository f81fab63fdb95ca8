import { expect, test } from "vitest";
import { Turns } from "#lib/async/turns.ts";

/** Works through the pieces, many at once, and says how often others got their turn meanwhile. */
async function turnsOfOthers(pieces: number, pieceMs: number): Promise<number> {
  const turns = new Turns();
  let others = 0;
  let over = false;
  const wait = () => {
    others += 1;
    if (!over) setImmediate(wait);
  };
  setImmediate(wait);
  const work = Array.from({ length: pieces }, async () => {
    await turns.next();
    for (const end = performance.now() + pieceMs; performance.now() < end; );
  });
  await Promise.all(work);
  over = true;
  return others;
}

test("between long pieces others get their turns, however many pieces wait", async () => {
  expect(await turnsOfOthers(20, 11)).toBeGreaterThanOrEqual(18);
});

test("short pieces wait for nobody", async () => {
  expect(await turnsOfOthers(20, 0)).toBeLessThanOrEqual(2);
});
