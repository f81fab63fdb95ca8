import { segmenterOf } from "./segmenter.ts";

const DEFAULT_LOCALE = "en";

/** The language a page names, if there is such a thing. */
export function localeOf(named: string): string {
  try {
    return Intl.getCanonicalLocales(named.trim())[0] ?? DEFAULT_LOCALE;
  } catch {
    return DEFAULT_LOCALE;
  }
}

/** The words of a text, in lower case; also of languages that put no spaces between them. */
export function* wordsOf(text: string, locale: string): Generator<string> {
  for (const { segment, isWordLike } of segmenter(locale).segment(text)) {
    if (isWordLike === true) yield segment.toLocaleLowerCase(locale);
  }
}

export function countWords(text: string, locale: string): number {
  let count = 0;
  for (const { isWordLike } of segmenter(locale).segment(text)) {
    if (isWordLike === true) count += 1;
  }
  return count;
}

const segmenter = segmenterOf("word");
