import type { CheerioAPI } from "cheerio/slim";

type Root = ReturnType<CheerioAPI["root"]>;

/** A node of a parsed page. */
export type PageNode = Root[number]["children"][number];

/** One that has a tag. */
export type PageElement = Extract<PageNode, { attribs: unknown }>;

/** Deeper than any page that people write; deeper nodes are not read. */
export const MAX_DEPTH = 1_500;

export function isElement(node: PageNode): node is PageElement {
  // Not by nodeType: doctypes and processing instructions have the same as elements.
  return "attribs" in node;
}

export function isText(node: PageNode): node is Extract<PageNode, { data: string }> {
  return node.nodeType === 3;
}
