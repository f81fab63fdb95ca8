import { widthOf } from "./text.ts";

export interface Column<T> {
  readonly title: string;
  readonly align: "left" | "right";
  readonly cell: (row: T) => string;
}

const GAP = "  ";

/** Rows under a line of titles, each column as wide as its widest cell. */
export function tableLines<T>(columns: readonly Column<T>[], rows: readonly T[]): string[] {
  const texts = columns.map(({ title, cell }) => [title, ...rows.map(cell)]);
  const padded = texts.map((cells, index) => {
    const width = Math.max(...cells.map(widthOf));
    return cells.map((cell) => filled(cell, width, columns[index]?.align ?? "left"));
  });
  return [0, ...rows.keys().map((row) => row + 1)].map((line) =>
    padded
      .map((cells) => cells[line] ?? "")
      .join(GAP)
      .trimEnd(),
  );
}

function filled(cell: string, width: number, align: "left" | "right"): string {
  const fill = " ".repeat(width - widthOf(cell));
  return align === "left" ? cell + fill : fill + cell;
}
