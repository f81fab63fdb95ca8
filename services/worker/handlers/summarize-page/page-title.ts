import type { CheerioAPI } from "cheerio/slim";

const MAX_CHARS = 300;

/** The title a page gives itself; empty if it gives none. Ask before the page's header is dropped. */
export function pageTitle($: CheerioAPI): string {
  const said = [
    $('meta[property="og:title"]').first().attr("content"),
    $("head > title, html > title, title").first().text(),
    $("h1").first().text(),
  ];
  const title = said.map((text) => (text ?? "").replace(/\s+/g, " ").trim()).find(Boolean) ?? "";
  return title.length <= MAX_CHARS ? title : `${title.slice(0, MAX_CHARS - 1).trimEnd()}…`;
}
