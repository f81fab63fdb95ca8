import { type Line, rendered } from "./line.ts";

/** Of a terminal that does not say. */
const USUAL_COLUMNS = 80;

/** Prints lines for people. */
export function print(...lines: readonly Line[]): void {
  write(process.stdout, lines);
}

/** Tells people something beside the output. */
export function tell(...lines: readonly Line[]): void {
  write(process.stderr, lines);
}

/** Prints a line for programs, exactly as it is. */
export function printJson(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value)}\n`);
}

/** Columns that the output has; undefined where it goes to no terminal. */
export function outputColumns(): number | undefined {
  return process.stdout.isTTY ? process.stdout.columns || USUAL_COLUMNS : undefined;
}

function write(stream: NodeJS.WriteStream, lines: readonly Line[]): void {
  stream.write(lines.map((line) => `${rendered(line, stream)}\n`).join(""));
}
