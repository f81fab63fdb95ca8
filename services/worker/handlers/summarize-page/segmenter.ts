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
