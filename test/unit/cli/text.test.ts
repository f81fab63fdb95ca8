import { expect, test } from "vitest";
import { parseDuration, shownDuration } from "#cli/terminal/duration.ts";
import { jsonLines } from "#cli/terminal/json-lines.ts";
import { fitted, widthOf, wrapped } from "#cli/terminal/text.ts";
import { escaped } from "#lib/process/escaped.ts";

test("text breaks between words, and within those that are too long", () => {
  expect(wrapped("the slow turn of the wheel", 10)).toEqual(["the slow", "turn of", "the wheel"]);
  expect(wrapped("millrace", 3)).toEqual(["mil", "lra", "ce"]);
  expect(wrapped("one\n\ntwo", 10)).toEqual(["one", "", "two"]);
});

test("a text that still grows keeps the space that its next word needs", () => {
  expect(wrapped("turn of ", 10)).toEqual(["turn of "]);
});

test("wide and combining characters count as what they take", () => {
  expect(["水車", "e\u0301", "🌊"].map(widthOf)).toEqual([4, 1, 2]);
});

test("what does not fit ends in an ellipsis", () => {
  expect([fitted("water mill", 10), fitted("water mill", 7), fitted("水車小屋", 5)]).toEqual([
    "water mill",
    "water…",
    "水車…",
  ]);
});

test("text from elsewhere commands no terminal, begins no line and turns no reading direction", () => {
  const hostile = "a\u001b]0;t\u0007\u009b1m\r\nb\u202ec\u2028d\u2066e\u200bf\ufeff\tg\ud800";
  const shown =
    "a\\u001b]0;t\\u0007\\u009b1m\\r\\nb\\u202ec\\u2028d\\u2066e\\u200bf\\ufeff  g\\ud800";
  expect(escaped(hostile)).toBe(shown);
  expect(escaped(shown)).toBe(shown);
  expect([widthOf(hostile), fitted(hostile, 4)]).toEqual([shown.length, "a\\u…"]);
  expect(wrapped("one\r\ntwo\u001b", 20)).toEqual(["one", "two\\u001b"]);
});

test("what scripts and emoji need stays", () => {
  const text = "می\u200cخواهم 👩\u200d🔧 e\u0301";
  expect(escaped(text)).toBe(text);
});

test("durations are read in the units people write, and shown in those they read", () => {
  expect(["500ms", "30s", "1.5h", "2d", "7", "soon", "3 days"].map(parseDuration)).toEqual([
    500,
    30_000,
    5_400_000,
    172_800_000,
    7_000,
    undefined,
    undefined,
  ]);
  expect([40, 1_234, 59_700, 83_000, 7_500_000].map(shownDuration)).toEqual([
    "0.0 s",
    "1.2 s",
    "1 min 0 s",
    "1 min 23 s",
    "2 h 5 min",
  ]);
});

test("JSON is shown as fields, with what is inside indented", () => {
  const value = { title: "Mill", points: ["one", { a: 1 }], text: "a long text that wraps" };
  expect(jsonLines(value, 16)).toEqual([
    "title: Mill",
    "points:",
    "  - one",
    "  - a: 1",
    "text:",
    "  a long text",
    "  that wraps",
  ]);
});
