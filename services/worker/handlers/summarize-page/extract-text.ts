import { load } from "cheerio/slim";
import { blocksOf, paragraphsOf } from "./blocks.ts";
import { dropFurniture } from "./drop-furniture.ts";
import { mainElement } from "./main-element.ts";
import type { Block, PageText } from "./page-text.ts";
import { pageTitle } from "./page-title.ts";
import { countWords, localeOf } from "./words.ts";

export interface PageSource {
  readonly text: string;
  /** "text/plain", or else some HTML. */
  readonly mediaType: string;
}

/** Finds what there is to read in a page. */
export function extractText({ text, mediaType }: PageSource): PageText {
  if (mediaType === "text/plain") return pageText("", "", paragraphsOf(text));
  // The slim cheerio makes no more nodes than the page has tags. The HTML standard's own algorithm repeats open
  // formatting tags in every paragraph: 14 KB can become half a million nodes.
  const $ = load(text);
  const title = pageTitle($);
  const language = $("html").attr("lang") ?? "";
  dropFurniture($);
  const main = mainElement($);
  return pageText(title, language, main === undefined ? [] : blocksOf(main));
}

function pageText(title: string, named: string, blocks: readonly Block[]): PageText {
  const language = localeOf(named);
  const wordCount = blocks.reduce((sum, { text }) => sum + countWords(text, language), 0);
  return { title, language, blocks, wordCount };
}
