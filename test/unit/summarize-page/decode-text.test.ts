import { expect, test } from "vitest";
import { decodeText } from "../../../services/worker/handlers/summarize-page/decode-text.ts";

const HTML = "text/html";

test("a byte order mark is believed before all else, and is no text", () => {
  const bytes = Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), Buffer.from("Mühle")]);
  expect(decodeText(bytes, "text/html; charset=iso-8859-1")).toEqual({
    text: "Mühle",
    charset: "utf-8",
    unknown: [],
  });
});

test("UTF-16 is known by its byte order mark", () => {
  const bytes = Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from("Mühle", "utf16le")]);
  expect(decodeText(bytes, HTML)).toMatchObject({ text: "Mühle", charset: "utf-16le" });
});

test("the content-type is believed before the page's meta", () => {
  const bytes = Buffer.from('<meta charset="utf-8">M\u00fchle', "latin1");
  const { text, charset } = decodeText(bytes, 'text/html; charset="iso-8859-1"');
  expect(text).toContain("Mühle");
  expect(charset).toBe("windows-1252");
});

test.each([
  '<meta charset="windows-1251">',
  "<META CHARSET=windows-1251>",
  '<meta http-equiv="Content-Type" content="text/html; charset=windows-1251">',
  '<?xml version="1.0" encoding="windows-1251"?>',
])("a page names its charset itself: %s", (head) => {
  const bytes = Buffer.concat([Buffer.from(head), Buffer.from([0xcc, 0xe8, 0xf0])]);
  expect(decodeText(bytes, HTML)).toMatchObject({ text: `${head}Мир`, charset: "windows-1251" });
});

test("a meta that says UTF-16 cannot be right, and means UTF-8", () => {
  const bytes = Buffer.from('<meta charset="utf-16">Mühle');
  expect(decodeText(bytes, HTML)).toMatchObject({ charset: "utf-8" });
});

test("without a word on it, a page is UTF-8", () => {
  expect(decodeText(Buffer.from("Mühle"), HTML)).toEqual({
    text: "Mühle",
    charset: "utf-8",
    unknown: [],
  });
});

test("an unknown charset is named, and the next best word on it counts", () => {
  const bytes = Buffer.from('<meta charset="iso-8859-1">M\u00fchle', "latin1");
  const { text, charset, unknown } = decodeText(bytes, "text/html; charset=klingon-8");
  expect(text).toContain("Mühle");
  expect([charset, unknown]).toEqual(["windows-1252", ["klingon-8"]]);
});

test("bytes that are no UTF-8 do no harm", () => {
  expect(decodeText(Buffer.from([0x4d, 0xff, 0x4d]), HTML).text).toBe("M\ufffdM");
});
