import { expect, test } from "vitest";
import { shownBytes } from "#cli/terminal/bytes.ts";
import { type Column, tableLines } from "#cli/terminal/table.ts";

interface Fruit {
  readonly name: string;
  readonly count: number;
}

const COLUMNS: readonly Column<Fruit>[] = [
  { title: "fruit", align: "left", cell: ({ name }) => name },
  { title: "count", align: "right", cell: ({ count }) => String(count) },
];

test("each column is as wide as its widest cell, as a terminal shows it", () => {
  const rows = [
    { name: "pear", count: 3 },
    { name: "日本梨", count: 123_456 },
  ];
  expect(tableLines(COLUMNS, rows)).toEqual(["fruit    count", "pear         3", "日本梨  123456"]);
});

test("a table without rows has its titles", () => {
  expect(tableLines(COLUMNS, [])).toEqual(["fruit  count"]);
});

test.each([
  [0, "0 B"],
  [1_023, "1023 B"],
  [1_536, "1.5 KiB"],
  [2 ** 29, "512 MiB"],
  [2 ** 45, "32 TiB"],
])("%d bytes are shown as %s", (bytes, shown) => {
  expect(shownBytes(bytes)).toBe(shown);
});
