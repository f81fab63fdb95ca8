import { isElement, isText, MAX_DEPTH, type PageElement, type PageNode } from "./dom.ts";
import type { Block } from "./page-text.ts";

const HEADINGS = new Set("h1 h2 h3 h4 h5 h6".split(" "));

/** Elements that begin and end a stretch of text. */
const BOUNDARIES = new Set(
  `address article blockquote body dd details div dl dt fieldset figure form hr li main ol p pre section summary
   table tbody td th tr ul`.split(/\s+/),
);

/** A stretch with more than this share of link text leads elsewhere. */
const MAX_LINKED_SHARE = 0.6;

interface Place {
  readonly heading: boolean;
  readonly linked: boolean;
  readonly depth: number;
}

/** The readable text below an element, cut at its paragraphs and headings. */
export function blocksOf(element: PageElement): Block[] {
  const collector = new Collector();
  walk(element, { heading: false, linked: false, depth: 0 }, collector);
  collector.end(false);
  return collector.blocks;
}

/** Paragraphs of plain text: what blank lines part. */
export function paragraphsOf(text: string): Block[] {
  return text
    .split(/\n[^\S\n]*\n/)
    .map((paragraph) => paragraph.replace(/\s+/g, " ").trim())
    .filter((paragraph) => paragraph !== "")
    .map((paragraph) => ({ kind: "paragraph", text: paragraph }));
}

class Collector {
  readonly blocks: Block[] = [];
  #text = "";
  #linkedChars = 0;

  add(text: string, linked: boolean): void {
    this.#text += text;
    if (linked) this.#linkedChars += text.length;
  }

  end(heading: boolean): void {
    const text = this.#text;
    const isElsewhere = !heading && this.#linkedChars > text.trim().length * MAX_LINKED_SHARE;
    this.#text = "";
    this.#linkedChars = 0;
    if (isElsewhere) return;
    for (const block of paragraphsOf(text)) {
      this.blocks.push(heading ? { ...block, kind: "heading" } : block);
    }
  }
}

function walk(node: PageNode, place: Place, into: Collector): void {
  if (isText(node)) into.add(node.data.replace(/\s+/g, " "), place.linked);
  if (!isElement(node) || place.depth > MAX_DEPTH) return;
  // Two of them make a blank line, and so a paragraph.
  if (node.name === "br") into.add("\n", false);
  const heading = place.heading || HEADINGS.has(node.name);
  const isBoundary = BOUNDARIES.has(node.name) || HEADINGS.has(node.name);
  if (isBoundary) into.end(place.heading);
  const inside = { heading, linked: place.linked || node.name === "a", depth: place.depth + 1 };
  for (const child of node.children) walk(child, inside, into);
  if (isBoundary) into.end(heading);
}
