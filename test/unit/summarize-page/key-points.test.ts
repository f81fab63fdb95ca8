import { expect, test } from "vitest";
import { partKeyPoints } from "../../../services/worker/handlers/summarize-page/key-points.ts";

test("what comes after the line is the key points", () => {
  expect(partKeyPoints("First.\n\nSecond.\n\nKey points:\n- one\n- two\n")).toEqual({
    summary: "First.\n\nSecond.",
    keyPoints: ["one", "two"],
  });
});

test.each([
  "**Key points:**\n* one\n* two",
  "**Key Points**:\n- one\n- two",
  "## Key Points\n1. one\n2. two",
  "KEY POINTS\n• **one**\n• two\n• one",
  "Key takeaways:\n\none\ntwo",
])("a model may write it its own way: %j", (ending) => {
  expect(partKeyPoints(`A summary.\n\n${ending}`)).toEqual({
    summary: "A summary.",
    keyPoints: ["one", "two"],
  });
});

test("a list at the end without the line is taken for the key points", () => {
  expect(partKeyPoints("A summary.\n- one\n- two")).toEqual({
    summary: "A summary.",
    keyPoints: ["one", "two"],
  });
});

test.each([
  ["no list", "Just one\nsummary."],
  ["one bullet", "A summary\n- with an aside"],
  ["a line with nothing below it", "A summary.\nKey points:"],
])("without key points, all is the summary: %s", (_what, text) => {
  expect(partKeyPoints(text)).toEqual({ summary: text, keyPoints: [] });
});

test("key points without a summary leave none of it empty", () => {
  const text = "Key points:\n- one\n- two";
  expect(partKeyPoints(text)).toEqual({ summary: text, keyPoints: ["one", "two"] });
});
