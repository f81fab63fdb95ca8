import type { CheerioAPI } from "cheerio/slim";
import { isElement, isText, MAX_DEPTH, type PageElement } from "./dom.ts";

/** Elements by which a page says itself where its text is. */
const NAMED = "article, main, [role=main]";
/** A named element with less than this much of the page's text is a teaser, say. */
const MIN_SHARE_OF_PAGE = 0.25;
/** An inner element with this much of the outer one's text is the better choice. */
const MIN_SHARE_OF_OUTER = 0.75;

const CONTAINERS = new Set(
  "body div section article main center td tr tbody table font span form".split(" "),
);

/** Characters outside links less those inside: text weighs, menus weigh nothing. */
type Weights = ReadonlyMap<PageElement, number>;

/** Where the text of a page is: the element it names, or else its densest block. */
export function mainElement($: CheerioAPI): PageElement | undefined {
  const root = $("body").get(0) ?? $("html").get(0) ?? wrapped($);
  if (root === undefined) return undefined;
  const weights = weigh(root);
  const weightOf = (element: PageElement) => weights.get(element) ?? 0;
  const named = $(NAMED).toArray().filter(isElement);
  const heaviest = Math.max(0, ...named.slice(0, 1000).map(weightOf));
  if (heaviest > 0 && heaviest >= weightOf(root) * MIN_SHARE_OF_PAGE) {
    // The last one is the innermost: main holds article.
    return named.findLast((element) => weightOf(element) >= heaviest * MIN_SHARE_OF_OUTER);
  }
  return densest(root, weights);
}

/** A page may come without <html> and <body>. */
function wrapped($: CheerioAPI): PageElement | undefined {
  const wrapper = $("<body></body>");
  wrapper.append($.root().contents());
  return wrapper.toArray().find(isElement);
}

function densest(outer: PageElement, weights: Weights): PageElement {
  const enough = (weights.get(outer) ?? 0) * MIN_SHARE_OF_OUTER;
  const inner = outer.children
    .filter(isElement)
    .find(
      (child) => CONTAINERS.has(child.name) && (weights.get(child) ?? 0) >= Math.max(1, enough),
    );
  return inner === undefined ? outer : densest(inner, weights);
}

function weigh(root: PageElement): Weights {
  const weights = new Map<PageElement, number>();
  weighInto(weights, root, 0);
  return weights;
}

function weighInto(weights: Map<PageElement, number>, element: PageElement, depth: number): number {
  if (depth > MAX_DEPTH) return 0;
  let weight = 0;
  for (const child of element.children) {
    if (isElement(child)) weight += weighInto(weights, child, depth + 1);
    else if (isText(child)) weight += child.data.replace(/\s+/g, " ").trim().length;
  }
  const outside = element.name === "a" ? -Math.abs(weight) : weight;
  weights.set(element, outside);
  return outside;
}
