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

/** Makes segmenters. Making one takes longer than using it for a sentence, and a page is in one language: so the last is kept. */
export function segmenterOf(granularity: "sentence" | "word"): (locale: string) => Intl.Segmenter {
  let last: { locale: string; segmenter: Intl.Segmenter } | undefined;
  return (locale) => {
    if (last?.locale !== locale) {
      last = { locale, segmenter: new Intl.Segmenter(locale, { granularity }) };
    }
    return last.segmenter;
  };
}

const segmenter = segmenterOf("word");
