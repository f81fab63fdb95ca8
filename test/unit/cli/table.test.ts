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

interface Letter {
  readonly id: string;
  readonly queue: string;
  readonly type: string;
  readonly error: string;
}

const LETTERS: readonly Column<Letter>[] = [
  { title: "task", align: "left", cell: ({ id }) => id },
  { title: "queue", align: "left", cell: ({ queue }) => queue, need: 1 },
  { title: "type", align: "left", cell: ({ type }) => type, need: 2 },
  { title: "error", align: "left", cell: ({ error }) => error, wraps: true },
];
const LETTER: Letter = {
  id: "0190163d-8694-739b-aea5-966c26f8ad91",
  queue: "default",
  type: "web.summarize",
  error: "the server answered with 500 for the third time (HTTP_STATUS)",
};

test.each([80, 60, 40, 20])(
  "on %i columns, the least needed column goes first, and the error wraps",
  (width) => {
    const lines = tableLines(LETTERS, [LETTER], width);
    const words = lines.join(" ").replaceAll(/\s+/g, " ");
    for (const word of LETTER.error.split(" ")) expect(words).toContain(word);
    expect(words).toContain(LETTER.id);
    const tooWide = lines.filter((line) => line.length > Math.max(width, LETTER.id.length));
    expect(tooWide).toEqual([]);
    expect(lines[0]?.includes("queue")).toBe(false);
    expect(lines[0]?.includes("type")).toBe(width === 80);
  },
);

test("where there is room for all, and where the output is no terminal, nothing is left out", () => {
  const whole = [
    "task                                  queue    type           error",
    `${LETTER.id}  default  web.summarize  ${LETTER.error}`,
  ];
  expect(tableLines(LETTERS, [LETTER], 200)).toEqual(whole);
  expect(tableLines(LETTERS, [LETTER])).toEqual(whole);
});

test("what wraps stands below its title, or below its row where there is too little room", () => {
  expect(tableLines(LETTERS, [{ ...LETTER, id: "t-1" }], 32)).toEqual([
    "task  error",
    "t-1   the server answered with",
    "      500 for the third time",
    "      (HTTP_STATUS)",
  ]);
  expect(tableLines(LETTERS, [LETTER], 40)).toEqual([
    "task",
    "  error",
    LETTER.id,
    "  the server answered with 500 for the",
    "  third time (HTTP_STATUS)",
  ]);
});

test("no cell begins a line of the table", () => {
  const [, row, ...more] = tableLines(COLUMNS, [{ name: "pear\nplum  7", count: 1 }]);
  expect([row, more]).toEqual(["pear\\nplum  7      1", []]);
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
