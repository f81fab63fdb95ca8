import type { Sentence } from "./sentences.ts";
import { STOP_WORDS } from "./stop-words.ts";

/** A word in more than this share of the sentences is a stop word of its language. */
const COMMON_SHARE = 0.5;
/** Fewer sentences say nothing of what is common. */
const COMMON_FROM_SENTENCES = 8;

const SHORT_WORDS = 6;
const LONG_WORDS = 40;

/** Openings that lean on the sentence before. */
const LEANS_BACK =
  /^(?:this|that|these|those|it|its|they|he|she|his|her|their|but|and|or|so|then|yet|thus|such|there)\b/i;

/** A sentence with its value for a summary, 0 to 1, and the words by which it is told from others. */
export interface Ranked {
  readonly sentence: Sentence;
  readonly value: number;
  readonly terms: ReadonlySet<string>;
}

/** Values each sentence by how often its words occur in the whole text, where it stands and how it reads. */
export function rank(sentences: readonly Sentence[], titleWords: Iterable<string>): Ranked[] {
  const weights = termWeights(sentences);
  const title = new Set(titleWords);
  const ranked = sentences.map((sentence) => {
    const terms = new Set(sentence.words.filter((word) => weights.has(word)));
    const value = about(terms, weights) * bonus(sentence, terms, title) * penalty(sentence);
    return { sentence, value, terms };
  });
  const best = ranked.reduce((most, { value }) => Math.max(most, value), 0);
  return best === 0 ? ranked : ranked.map((one) => ({ ...one, value: one.value / best }));
}

/** Of each word that carries meaning, how much: more the more often it occurs, but ever less so. */
function termWeights(sentences: readonly Sentence[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  const spread = new Map<string, number>();
  for (const { words } of sentences) {
    for (const word of words) counts.set(word, (counts.get(word) ?? 0) + 1);
    for (const word of new Set(words)) spread.set(word, (spread.get(word) ?? 0) + 1);
  }
  const common =
    sentences.length < COMMON_FROM_SENTENCES
      ? Number.POSITIVE_INFINITY
      : sentences.length * COMMON_SHARE;
  const meaningful = [...counts].filter(
    ([word]) => carriesMeaning(word) && (spread.get(word) ?? 0) <= common,
  );
  return new Map(meaningful.map(([word, count]) => [word, Math.log1p(count)]));
}

function carriesMeaning(word: string): boolean {
  if (STOP_WORDS.has(word) || /^[\d.,]+$/.test(word)) return false;
  // One letter of an alphabet is nothing, one Chinese character is a word.
  return word.length > 1 || !/\p{Alphabetic}/u.test(word) || /\p{Script=Han}/u.test(word);
}

function about(terms: ReadonlySet<string>, weights: ReadonlyMap<string, number>): number {
  let sum = 0;
  for (const term of terms) sum += weights.get(term) ?? 0;
  // Between sum and mean: long sentences gain, but not by their length alone.
  return sum / Math.max(terms.size, SHORT_WORDS) ** 0.6;
}

/** Texts say early what they are about, and paragraphs open with it. */
function bonus({ place, opens }: Sentence, terms: ReadonlySet<string>, title: ReadonlySet<string>) {
  const inTitle = [...terms].filter((term) => title.has(term)).length;
  return 1 + 0.4 / (1 + place) + (opens ? 0.15 : 0) + Math.min(0.3, 0.1 * inTitle);
}

function penalty({ text, words }: Sentence): number {
  let factor = 1;
  if (words.length < SHORT_WORDS) factor *= 0.4;
  if (words.length > LONG_WORDS) factor *= 0.7;
  if (/[?？]["'”’)]*$/.test(text)) factor *= 0.6;
  if (LEANS_BACK.test(text)) factor *= 0.75;
  return factor;
}

/** How much a sentence's value counts against its likeness to those that are chosen already. */
const VALUE_SHARE = 0.7;

/** Chooses the most valuable sentences that do not repeat each other, nor those taken before. */
export function choose(
  ranked: readonly Ranked[],
  count: number,
  taken: readonly Ranked[] = [],
): Ranked[] {
  const likeness = new Map<Ranked, number>();
  const left = new Set(ranked.filter((one) => !taken.includes(one)));
  const compareWith = (other: Ranked) => {
    for (const one of left) {
      const likest = Math.max(likeness.get(one) ?? 0, alike(one, other));
      // The very same words are no further sentence, however few are left.
      if (likest > 0.999) left.delete(one);
      else likeness.set(one, likest);
    }
  };
  taken.forEach(compareWith);
  const chosen: Ranked[] = [];
  while (chosen.length < count && left.size > 0) {
    const gain = (one: Ranked) =>
      VALUE_SHARE * one.value - (1 - VALUE_SHARE) * (likeness.get(one) ?? 0);
    const best = [...left].reduce((most, one) => (gain(one) > gain(most) ? one : most));
    left.delete(best);
    chosen.push(best);
    compareWith(best);
  }
  return chosen.toSorted((a, b) => a.sentence.place - b.sentence.place);
}

/** Share of the terms that two sentences have in common: 0 none, 1 all. */
function alike(one: Ranked, other: Ranked): number {
  if (one.sentence.text === other.sentence.text) return 1;
  const [a, b] = [one.terms, other.terms];
  if (a.size === 0 || b.size === 0) return 0;
  let shared = 0;
  for (const term of a) if (b.has(term)) shared += 1;
  return shared / Math.sqrt(a.size * b.size);
}
