import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { Journal } from "#cli/system/journal.ts";
import { type Line, textOf } from "#cli/terminal/line.ts";
import { HOSTILE } from "#test/support/hostile-worker/hostile.ts";

test.each([true, false])(
  "no line of a service's log commands the terminal of up, nor looks like another's; everything: %s",
  async (everything) => {
    const folder = await mkdtemp(join(tmpdir(), "millrace-journal-"));
    const shown: string[] = [];
    try {
      await using journal = new Journal({
        folder,
        tell: (line) => shown.push(textOf(line)),
        everything,
      });
      const write = await journal.ofService("worker");
      const err = { type: "Error", message: HOSTILE, stack: `Error: ${HOSTILE}\n    at x` };
      write(JSON.stringify({ level: 50, time: 0, msg: HOSTILE, taskType: HOSTILE, err }));
      write(`Error: ${HOSTILE.replaceAll(/[\r\n]/g, "")}`);
    } finally {
      await rm(folder, { recursive: true });
    }
    expect(shown.length).toBeGreaterThan(1);
    for (const line of shown) expect(line).toMatch(/^worker {3}( {4}|\[|a\\u001b|Error)/);
    expect(shown.join("")).not.toMatch(/[\p{Cc}\p{Bidi_Control}\u2028]/u);
  },
);

test("that the broker is back is told where it was told that it is away, and not at a start", async () => {
  const folder = await mkdtemp(join(tmpdir(), "millrace-journal-"));
  const shown: string[] = [];
  try {
    const tell = (line: Line) => void shown.push(textOf(line));
    await using journal = new Journal({ folder, tell, everything: false });
    const write = await journal.ofService("worker");
    for (const [level, msg] of [
      [30, "broker is up"],
      [40, "broker is away"],
      [30, "broker is up"],
      [30, "broker is up"],
    ]) {
      write(JSON.stringify({ level, msg }));
    }
  } finally {
    await rm(folder, { recursive: true });
  }
  expect(shown).toEqual(["worker   broker is away", "worker   broker is up"]);
});
