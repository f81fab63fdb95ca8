import { expect, test } from "vitest";
import { parseDuration, shownDuration } from "#cli/terminal/duration.ts";
import { jsonLines } from "#cli/terminal/json-lines.ts";
import { fitted, harmless, widthOf, wrapped } from "#cli/terminal/text.ts";

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

test("text from elsewhere keeps its lines and loses its commands", () => {
  expect(harmless("a\u001b]0;title\u0007b\u001b[1mc\td\r\ne")).toBe("abc  d\ne");
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
