import { fitted } from "./text.ts";

const TO_COLUMN_1 = "\r";
const ERASE_BELOW = "\u001b[J";

/** Lines of a terminal that are painted over and over. None is wider than it: one that wraps can't be erased. */
export class Repainted {
  readonly #stream: NodeJS.WriteStream;
  #rows = 0;

  constructor(stream: NodeJS.WriteStream) {
    this.#stream = stream;
  }

  paint(lines: readonly string[]): void {
    const columns = (this.#stream.columns || 80) - 1;
    // What has scrolled out of sight can't be reached any more.
    const shown = lines.slice(0, Math.max(1, (this.#stream.rows || 24) - 1));
    const up = this.#rows === 0 ? "" : `\u001b[${this.#rows}A`;
    const text = shown.map((line) => `${fitted(line, columns)}\n`).join("");
    this.#stream.write(up + TO_COLUMN_1 + ERASE_BELOW + text);
    this.#rows = shown.length;
  }
}
