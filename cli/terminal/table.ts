import { escaped } from "#lib/process/escaped.ts";
import { widthOf, wrapped } from "./text.ts";

export interface Column<T> {
  readonly title: string;
  readonly align: "left" | "right";
  readonly cell: (row: T) => string;
  /** Where room is scarce, the column with the lowest goes first; one without stays. */
  readonly need?: number;
  /** Breaks into lines where room is scarce, rather than being cut. Only for the last column. */
  readonly wraps?: boolean;
}

interface Shown<T> {
  readonly column: Column<T>;
  /** Its title, and a cell for each row. */
  readonly cells: readonly string[];
  readonly width: number;
}

const GAP = "  ";
/** A column that wraps goes below its row where it would be narrower. */
const LEAST_TO_WRAP_IN = 20;

/** Rows under a line of titles, each column as wide as its widest cell, as far as that fits. */
export function tableLines<T>(
  columns: readonly Column<T>[],
  rows: readonly T[],
  width = Number.POSITIVE_INFINITY,
): string[] {
  const kept = fitting(
    columns.map((column) => shown(column, rows)),
    width,
  );
  const rigid = kept.filter(({ column }) => !column.wraps);
  const last = kept.find(({ column }) => column.wraps);
  return [0, ...rows.keys().map((row) => row + 1)].flatMap((line) => {
    const start = rigid.map((each) => filled(each, line)).join(GAP);
    return last ? besides(start, last, { line, width }) : [start.trimEnd()];
  });
}

function shown<T>(column: Column<T>, rows: readonly T[]): Shown<T> {
  const cells = [column.title, ...rows.map(column.cell)].map(escaped);
  return { column, cells, width: Math.max(...cells.map(widthOf)) };
}

/** The columns that have room; of one that wraps, only the start. */
function fitting<T>(columns: readonly Shown<T>[], width: number): readonly Shown<T>[] {
  const needs = columns.flatMap(({ column }) => column.need ?? []);
  if (needs.length === 0 || leastWidthOf(columns) <= width) return columns;
  const least = Math.min(...needs);
  return fitting(
    columns.filter(({ column }) => column.need !== least),
    width,
  );
}

function leastWidthOf<T>(columns: readonly Shown<T>[]): number {
  const widths = columns.map(({ column, width }) =>
    column.wraps ? Math.min(width, LEAST_TO_WRAP_IN) : width,
  );
  return widths.reduce((sum, each) => sum + each, GAP.length * (columns.length - 1));
}

/** The line with the cell that wraps: beside it, or below where there is too little room. */
function besides<T>(
  start: string,
  { cells, width: wanted }: Shown<T>,
  { line, width }: { readonly line: number; readonly width: number },
): string[] {
  const cell = cells[line] ?? "";
  const room = width - widthOf(start) - GAP.length;
  if (room < Math.min(wanted, LEAST_TO_WRAP_IN)) {
    return [start.trimEnd(), ...wrapped(cell, width - GAP.length).map((text) => GAP + text)];
  }
  const indent = " ".repeat(widthOf(start));
  return wrapped(cell, room).map((text, index) =>
    `${index === 0 ? start : indent}${GAP}${text}`.trimEnd(),
  );
}

function filled<T>({ column, cells, width }: Shown<T>, line: number): string {
  const cell = cells[line] ?? "";
  const fill = " ".repeat(width - widthOf(cell));
  return column.align === "left" ? cell + fill : fill + cell;
}
