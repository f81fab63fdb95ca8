import { styleText } from "node:util";
import { escaped } from "#lib/process/escaped.ts";
import { fitted, widthOf } from "./text.ts";

type Format = Parameters<typeof styleText>[0];

/** A piece of a line that has a color. */
export interface Painted {
  readonly format: Format;
  readonly text: string;
}

/**
 * A line for people. Its texts may come from anybody: colors are no part of them, and whatever else a terminal would obey
 * is escaped where the line is printed.
 */
export type Line = string | readonly (string | Painted)[];

export function painted(format: Format, text: string): Painted {
  return { format, text };
}

/** One line of several. */
export function joined(...lines: readonly Line[]): Line {
  return lines.flat();
}

/** The line without colors. */
export function textOf(line: Line): string {
  return piecesOf(line)
    .map(({ text }) => escaped(text))
    .join("");
}

/** As much of the line as fits. */
export function fittedLine(line: Line, columns: number): Line {
  let room = columns;
  return piecesOf(line).map(({ format, text }) => {
    const piece = fitted(text, Math.max(0, room));
    room -= widthOf(text);
    return painted(format, piece);
  });
}

/** The line as the stream gets it: colored if it is a terminal that wants that. NO_COLOR and FORCE_COLOR are heeded. */
export function rendered(line: Line, stream: NodeJS.WriteStream): string {
  return piecesOf(line)
    .map(({ format, text }) => styleText(format, escaped(text), { stream }))
    .join("");
}

function piecesOf(line: Line): readonly Painted[] {
  const pieces = typeof line === "string" ? [line] : line;
  return pieces.map((piece) => (typeof piece === "string" ? painted([], piece) : piece));
}
