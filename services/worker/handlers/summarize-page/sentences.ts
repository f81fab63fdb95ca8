import type { PageText } from "./page-text.ts";
import { segmenterOf, wordsOf } from "./words.ts";

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

/** Of ordinary length, so many are more than is summarized. Of one word each there would be ten times as many. */
const MAX_SENTENCES = 5_000;

/** The sentences of a page's paragraphs, in order, up to 5,000; its headings are none. */
export function sentencesOf({
  blocks,
  language,
}: Pick<PageText, "blocks" | "language">): Sentence[] {
  const sentences: Sentence[] = [];
  for (const { kind, text } of blocks) {
    if (kind === "heading") continue;
    const room = MAX_SENTENCES - sentences.length;
    if (room === 0) break;
    const split = splitSentences(text, language).slice(0, room);
    for (const [index, sentence] of split.entries()) {
      sentences.push({
        text: sentence,
        place: sentences.length,
        opens: index === 0,
        words: [...wordsOf(sentence, language)],
      });
    }
  }
  return sentences.filter(({ words }) => words.length > 0);
}

/** More than the longest of them, with what is before and behind it. */
const ABBREVIATION_CHARS = 32;

export function splitSentences(text: string, language: string): string[] {
  const sentences: string[] = [];
  let open: string[] = [];
  let end = "";
  for (const { segment } of segmenter(language).segment(text)) {
    open.push(segment);
    // Never all of it: where every segment ends like this, each would be looked at as often as there are others.
    end = (end + segment).slice(-ABBREVIATION_CHARS);
    if (ABBREVIATION.test(end.trimEnd())) continue;
    sentences.push(open.join("").trim());
    open = [];
    end = "";
  }
  return [...sentences, open.join("").trim()].filter((sentence) => sentence !== "");
}

const segmenter = segmenterOf("sentence");
