/**
 * What a text from elsewhere must not do to a terminal, or to whoever reads it: command it, begin a line, turn the
 * reading direction, or hide. Joiners stay, for scripts and emoji need them.
 */
const UNPRINTABLE =
  /[\p{Cc}\p{Bidi_Control}\p{Zl}\p{Zp}\p{Cs}\u200b\u2060-\u206f\ufeff\ufff9-\ufffb]/gu;

const SHORT_ESCAPES: ReadonlyMap<string, string> = new Map([
  ["\n", "\\n"],
  ["\r", "\\r"],
]);

/** The text in one line, with all that is unprintable as JSON escapes it. What is escaped stays as it is. */
export function escaped(text: string): string {
  return text.replaceAll("\t", "  ").replace(UNPRINTABLE, escapeOf);
}

function escapeOf(char: string): string {
  const hex = char.charCodeAt(0).toString(16).padStart(4, "0");
  return SHORT_ESCAPES.get(char) ?? `\\u${hex}`;
}

const MAX_QUOTED_CHARS = 100;
const CREDENTIALS = /\/\/[^\s/?#]*@/g;
/** Of one value: a password that was not encoded may hold anything, also what ends an address. */
const ALL_BEFORE_AN_AT = /^((?:[a-z][a-z0-9+.-]*:)?\/\/)?.*@/is;

/** A value as an error quotes it: in one line, as much of it as tells which one is meant, and no password of an address. */
export function quoted(text: string): string {
  return `"${shown(text.replace(ALL_BEFORE_AN_AT, "$1***@"), MAX_QUOTED_CHARS)}"`;
}

/** The beginning of a text that may hold anything, in one line, without passwords of addresses. */
export function shown(text: string, maxChars: number): string {
  const open = text.replaceAll(CREDENTIALS, "//***@");
  return escaped(open.length <= maxChars ? open : `${open.slice(0, maxChars)}…`);
}

const MAX_COMPLAINT_CHARS = 1_000;

/**
 * Commander's own words, in one line. What it quotes may be long, or no text, and what follows a flag that it does not
 * know may be a secret.
 */
export function complaintOf(text: string): string {
  const line = text.trimEnd().replace(/\n(?=\(Did you mean [^\n]*$)/, " ");
  return shown(line.replace(/(unknown option '[^'=]*=).*'/s, "$1…'"), MAX_COMPLAINT_CHARS);
}
