import { escaped } from "#lib/process/escaped.ts";

const WIDE =
  /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe4f\uff00-\uff60\uffe0-\uffe6]|\p{Emoji_Presentation}/u;
const NO_WIDTH = /^(?:\p{M}|[\u200c\u200d]|\p{Variation_Selector})$/u;

/** Columns that the text takes in a terminal. */
export function widthOf(text: string): number {
  return widthOfEscaped(escaped(text));
}

function widthOfEscaped(text: string): number {
  let width = 0;
  for (const char of text) width += widthOfChar(char);
  return width;
}

function widthOfChar(char: string): number {
  if (char < "\u0300") return 1;
  if (NO_WIDTH.test(char)) return 0;
  return WIDE.test(char) ? 2 : 1;
}

/** The text, escaped, or as much of its beginning as fits, with an ellipsis. */
export function fitted(text: string, columns: number): string {
  const shown = escaped(text);
  if (widthOfEscaped(shown) <= columns) return shown;
  return columns < 1 ? "" : `${headOf(shown, columns - 1).trimEnd()}…`;
}

/** Breaks a text, escaped, at its line ends and between words, into lines that fit. The last line may be unfinished. */
export function wrapped(text: string, columns: number): string[] {
  return text.split(/\r?\n/).flatMap((line) => wrappedLine(escaped(line), Math.max(1, columns)));
}

function wrappedLine(line: string, columns: number): string[] {
  const lines: string[] = [];
  let current = "";
  for (const piece of line.match(/\S+\s*|\s+/g) ?? []) {
    if (current !== "" && widthOfEscaped(current + piece.trimEnd()) > columns) {
      lines.push(current.trimEnd());
      current = "";
    }
    current += piece;
    while (widthOfEscaped(current.trimEnd()) > columns) {
      const head = headOf(current, columns) || (current.match(/^./u)?.[0] ?? "");
      lines.push(head);
      current = current.slice(head.length);
    }
  }
  return [...lines, current];
}

/** As much as fits. */
function headOf(text: string, columns: number): string {
  let head = "";
  let width = 0;
  for (const char of text) {
    width += widthOfChar(char);
    if (width > columns) break;
    head += char;
  }
  return head;
}
