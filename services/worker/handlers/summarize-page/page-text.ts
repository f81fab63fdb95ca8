/** A stretch of readable text that belongs together. */
export interface Block {
  readonly kind: "heading" | "paragraph";
  readonly text: string;
}

/** What there is to read in a page. */
export interface PageText {
  /** Empty if it has none. */
  readonly title: string;
  /** As the page names it, e.g. "en-GB"; "en" if it does not, or names none that exists. */
  readonly language: string;
  readonly blocks: readonly Block[];
  readonly wordCount: number;
}
