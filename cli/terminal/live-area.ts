import { fittedLine, type Line, rendered } from "./line.ts";
import { wrapped } from "./text.ts";

const ERASE_LINE = "\r\u001b[2K";
const UP = "\u001b[1A";
const INDENT = "  ";

/**
 * The bottom of a terminal: a line of text that still grows, and bars below it that are painted over and over.
 * Everything above scrolls away as usual. No row is ever wider than the terminal, for a row that wraps can't be erased.
 */
export class LiveArea {
  readonly #stream: NodeJS.WriteStream;
  #growing = "";
  #bars: readonly Line[] = [];
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
  print(line: Line): void {
    this.#repaint([...this.#grown(), line]);
  }

  /**
   * Lets the text grow: full lines scroll up, the last one stays. It is indented, so that none of its lines looks like one
   * of ours.
   */
  grow(text: string): void {
    const lines = wrapped(this.#growing + text, this.columns - INDENT.length);
    this.#growing = lines.pop() ?? "";
    this.#repaint(lines.map((line) => INDENT + line));
  }

  bar(line: Line): void {
    this.bars([line]);
  }

  bars(lines: readonly Line[]): void {
    this.#bars = lines;
    this.#repaint([]);
  }

  /** Leaves what was printed, and no bars. */
  end(): void {
    this.#bars = [];
    this.#repaint(this.#grown());
  }

  /** The last line of the text that grew, which grows no more. */
  #grown(): readonly Line[] {
    const grown = this.#growing === "" ? [] : [INDENT + this.#growing];
    this.#growing = "";
    return grown;
  }

  #repaint(above: readonly Line[]): void {
    const growing = this.#growing === "" ? [] : [INDENT + this.#growing];
    const live = [...growing, ...this.#bars];
    const erase = ERASE_LINE + `${UP}${ERASE_LINE}`.repeat(Math.max(0, this.#rows - 1));
    const scrolled = above.map((line) => `${rendered(line, this.#stream)}\n`).join("");
    this.#stream.write(erase + scrolled + live.map((row) => this.#fit(row)).join("\n"));
    this.#rows = live.length;
  }

  /** The terminal may have become narrower since. */
  #fit(row: Line): string {
    return rendered(fittedLine(row, this.columns), this.#stream);
  }
}
