import { cut } from "#lib/process/cut.ts";
import { inWords } from "./numbers-in-words.ts";
import type { Block, PageText } from "./page-text.ts";
import { choose, type Ranked, rank } from "./rank-sentences.ts";
import { sentencesOf } from "./sentences.ts";
import { KEY_POINTS_LINE, type Summary, type Writing } from "./summary.ts";
import { wordsOf } from "./words.ts";

const QUICK_SENTENCES = 3;
const DETAILED_SENTENCES = 8;
const SENTENCES_PER_PARAGRAPH = 3;
const KEY_POINTS = 5;
/** Of a short page, so much goes into the summary, and the rest into the key points. */
const SUMMARY_SHARE = 0.6;
/** A key point is read at a glance. */
const KEY_POINT_WORDS = 28;
/** Longer pages than a book's chapter are summarized by their beginning: ranking must not hold up the worker. */
const MAX_CHARS = 300_000;

/** What is longer is mostly no sentence, but a text without full stops; whole, it would be no summary, or too large for one. */
const MAX_SENTENCE_BYTES = 2_000;

/** The sentences that stand for a page, in its own order. */
export interface Extract {
  readonly paragraphs: readonly (readonly string[])[];
  readonly keyPoints: readonly string[];
}

/** Writes a summary out of the page's own sentences, handing them out one by one. */
export async function extractiveSummary(page: PageText, writing: Writing): Promise<Summary> {
  const { blocks, isCut } = beginning(page.blocks);
  if (isCut) writing.log("info", `summarizing the first ${inWords(MAX_CHARS, "character")}`);
  const { paragraphs, keyPoints } = extract({ ...page, blocks }, writing.detailed);
  const pieces = [...summaryPieces(paragraphs)];
  const points = keyPoints.map((point) => `\n- ${point}`);
  const heading = points.length > 0 ? [`\n\n${KEY_POINTS_LINE}`] : [];
  const all = [...pieces, ...heading, ...points];
  for (const [index, piece] of all.entries()) {
    writing.signal.throwIfAborted();
    writing.emit(piece, (index + 1) / all.length);
  }
  return { summary: pieces.join(""), keyPoints: [...keyPoints], summarizer: "extractive" };
}

/** Chooses what stands for a page: up to 3 sentences, or in detail up to 8 and 5 further ones as key points. */
export function extract(page: PageText, detailed: boolean): Extract {
  const ranked = rank(sentencesOf(page), wordsOf(page.title, page.language));
  if (ranked.length === 0) return fromHeadings(page.blocks);
  if (!detailed) return { paragraphs: [texts(choose(ranked, QUICK_SENTENCES))], keyPoints: [] };
  const count = Math.min(DETAILED_SENTENCES, Math.ceil(ranked.length * SUMMARY_SHARE));
  const chosen = choose(ranked, count);
  const brief = ranked.filter(({ sentence }) => sentence.words.length <= KEY_POINT_WORDS);
  const candidates = brief.length >= count + KEY_POINTS ? brief : ranked;
  return {
    paragraphs: inParagraphs(texts(chosen)),
    keyPoints: texts(choose(candidates, KEY_POINTS, chosen)),
  };
}

/** A page of headings alone says at least those. */
function fromHeadings(blocks: readonly Block[]): Extract {
  const headings = blocks
    .slice(0, QUICK_SENTENCES)
    .map(({ text }) => cut(text, MAX_SENTENCE_BYTES));
  return { paragraphs: [headings], keyPoints: [] };
}

function texts(ranked: readonly Ranked[]): string[] {
  return ranked.map(({ sentence }) => cut(sentence.text, MAX_SENTENCE_BYTES));
}

/** Paragraphs of about the same length, rather than a last one of a single sentence. */
function inParagraphs(sentences: readonly string[]): string[][] {
  const count = Math.ceil(sentences.length / SENTENCES_PER_PARAGRAPH);
  const at = (paragraph: number) => Math.round((paragraph * sentences.length) / count);
  return Array.from({ length: count }, (_, index) => sentences.slice(at(index), at(index + 1)));
}

/** Put together, they are the summary. */
function* summaryPieces(paragraphs: Extract["paragraphs"]): Generator<string> {
  let before = "";
  for (const paragraph of paragraphs) {
    if (before !== "") before = "\n\n";
    for (const sentence of paragraph) {
      yield before + sentence;
      // Chinese and Japanese put no space between sentences.
      before = /[。！？]$/.test(sentence) ? "" : " ";
    }
    before = " ";
  }
}

function beginning(blocks: readonly Block[]): { blocks: readonly Block[]; isCut: boolean } {
  let chars = 0;
  const end = blocks.findIndex(({ text }) => {
    chars += text.length;
    return chars > MAX_CHARS;
  });
  if (end === -1) return { blocks, isCut: false };
  const last = blocks.slice(end, end + 1).map((block) => ({
    ...block,
    text: block.text.slice(0, MAX_CHARS),
  }));
  return { blocks: end === 0 ? last : blocks.slice(0, end), isCut: true };
}
