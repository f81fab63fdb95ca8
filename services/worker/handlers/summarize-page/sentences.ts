import type { PageText } from "./page-text.ts";
import { wordsOf } from "./words.ts";

/** A sentence of a page, and what the ranking needs to know of it. */
export interface Sentence {
  readonly text: string;
  /** Its place among all sentences of the page, from 0. */
  readonly place: number;
  /** Whether it opens its paragraph. */
  readonly opens: boolean;
  readonly words: readonly string[];
}

/** After these a full stop ends no sentence, whatever follows. */
const ABBREVIATION = /(?:^|[\s(])(?:mr|mrs|ms|dr|prof|st|vs|no|fig|cf|approx|e\.g|i\.e|[a-z])\.$/i;

/** The sentences of a page's paragraphs, in order; its headings are none. */
export function sentencesOf({
  blocks,
  language,
}: Pick<PageText, "blocks" | "language">): Sentence[] {
  const sentences: Sentence[] = [];
  for (const { kind, text } of blocks) {
    if (kind === "heading") continue;
    splitSentences(text, language).forEach((sentence, index) => {
      sentences.push({
        text: sentence,
        place: sentences.length,
        opens: index === 0,
        words: [...wordsOf(sentence, language)],
      });
    });
  }
  return sentences.filter(({ words }) => words.length > 0);
}

export function splitSentences(text: string, language: string): string[] {
  const segments = new Intl.Segmenter(language, { granularity: "sentence" }).segment(text);
  const sentences: string[] = [];
  let open = "";
  for (const { segment } of segments) {
    open += segment;
    if (ABBREVIATION.test(open.trimEnd())) continue;
    sentences.push(open.trim());
    open = "";
  }
  return [...sentences, open.trim()].filter((sentence) => sentence !== "");
}
