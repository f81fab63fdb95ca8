import { fitted, wrapped } from "./text.ts";

const ERASE_LINE = "\r\u001b[2K";
const UP = "\u001b[1A";

/**
 * The bottom of a terminal: a line of text that still grows, and bars below it that are painted over and over.
 * Everything above scrolls away as usual. No row is ever wider than the terminal, for a row that wraps can't be erased.
 */
export class LiveArea {
  readonly #stream: NodeJS.WriteStream;
  #growing = "";
  #bars: readonly string[] = [];
  #rows = 0;

  constructor(stream: NodeJS.WriteStream) {
    this.#stream = stream;
  }

  /** Columns that a row may take. */
  get columns(): number {
    // One less: in the last column some terminals wrap already.
    return Math.max(20, (this.#stream.columns || 80) - 1);
  }

  /** Prints a line above, after the text that grew until now. */
  print(line: string): void {
    const ended = this.#growing === "" ? [] : [this.#growing];
    this.#growing = "";
    this.#repaint([...ended, line]);
  }

  /** Lets the text grow: full lines scroll up, the last one stays. */
  grow(text: string): void {
    const lines = wrapped(this.#growing + text, this.columns);
    this.#growing = lines.pop() ?? "";
    this.#repaint(lines);
  }

  bar(line: string): void {
    this.bars([line]);
  }

  bars(lines: readonly string[]): void {
    this.#bars = lines;
    this.#repaint([]);
  }

  /** Leaves what was printed, and no bars. */
  end(): void {
    this.#bars = [];
    const ended = this.#growing === "" ? [] : [this.#growing];
    this.#growing = "";
    this.#repaint(ended);
  }

  #repaint(above: readonly string[]): void {
    const live = [this.#growing, ...this.#bars].filter((row) => row !== "");
    const erase = ERASE_LINE + `${UP}${ERASE_LINE}`.repeat(Math.max(0, this.#rows - 1));
    const scrolled = above.map((line) => `${line}\n`).join("");
    this.#stream.write(erase + scrolled + live.map((row) => this.#fit(row)).join("\n"));
    this.#rows = live.length;
  }

  /** The terminal may have become narrower since. Painted rows are made to fit by who paints them. */
  #fit(row: string): string {
    return row.includes("\u001b") ? row : fitted(row, this.columns);
  }
}
