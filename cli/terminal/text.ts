import { stripVTControlCharacters } from "node:util";

/** What no text of a task or a page may do to a terminal: all control characters but newline. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what it is about
const CONTROLS = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/g;

const WIDE =
  /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe4f\uff00-\uff60\uffe0-\uffe6]|\p{Emoji_Presentation}/u;
const NO_WIDTH = /^(?:\p{M}|[\u200b-\u200f]|\p{Variation_Selector})$/u;

/** Text from elsewhere, made harmless: pages write what they like, a terminal obeys what it reads. */
export function harmless(text: string): string {
  return stripVTControlCharacters(text).replaceAll("\t", "  ").replace(CONTROLS, "");
}

/** Columns that the text takes in a terminal. */
export function widthOf(text: string): number {
  let width = 0;
  for (const char of stripVTControlCharacters(text)) width += widthOfChar(char);
  return width;
}

function widthOfChar(char: string): number {
  if (char < "\u0300") return 1;
  if (NO_WIDTH.test(char)) return 0;
  return WIDE.test(char) ? 2 : 1;
}

/** The text, or as much of its beginning as fits, with an ellipsis. */
export function fitted(text: string, columns: number): string {
  if (widthOf(text) <= columns) return text;
  let taken = "";
  let width = 1;
  for (const char of text) {
    width += widthOfChar(char);
    if (width > columns) break;
    taken += char;
  }
  return columns < 1 ? "" : `${taken.trimEnd()}…`;
}

/** Breaks a text between words into lines that fit. The last line may be unfinished. */
export function wrapped(text: string, columns: number): string[] {
  return text.split("\n").flatMap((line) => wrappedLine(line, Math.max(1, columns)));
}

function wrappedLine(line: string, columns: number): string[] {
  const lines: string[] = [];
  let current = "";
  for (const piece of line.match(/\S+\s*|\s+/g) ?? []) {
    if (current !== "" && widthOf(current + piece.trimEnd()) > columns) {
      lines.push(current.trimEnd());
      current = "";
    }
    current += piece;
    while (widthOf(current.trimEnd()) > columns) {
      const head = headOf(current, columns);
      lines.push(head);
      current = current.slice(head.length);
    }
  }
  return [...lines, current];
}

function headOf(text: string, columns: number): string {
  let head = "";
  for (const char of text) {
    if (head !== "" && widthOf(head + char) > columns) break;
    head += char;
  }
  return head;
}
