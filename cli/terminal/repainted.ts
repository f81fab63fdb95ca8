import { fittedLine, type Line, rendered } from "./line.ts";

const TO_COLUMN_1 = "\r";
const ERASE_BELOW = "\u001b[J";

/** Lines of a terminal that are painted over and over. None is wider than it: one that wraps can't be erased. */
export class Repainted {
  readonly #stream: NodeJS.WriteStream;
  #rows = 0;

  constructor(stream: NodeJS.WriteStream) {
    this.#stream = stream;
  }

  /** Columns that a line may take. */
  get columns(): number {
    return (this.#stream.columns || 80) - 1;
  }

  paint(lines: readonly Line[]): void {
    // What has scrolled out of sight can't be reached any more.
    const shown = lines.slice(0, Math.max(1, (this.#stream.rows || 24) - 1));
    const up = this.#rows === 0 ? "" : `\u001b[${this.#rows}A`;
    const rows = shown.map((line) => rendered(fittedLine(line, this.columns), this.#stream));
    this.#stream.write(up + TO_COLUMN_1 + ERASE_BELOW + rows.map((row) => `${row}\n`).join(""));
    this.#rows = shown.length;
  }
}
