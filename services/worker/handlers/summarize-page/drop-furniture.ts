import type { CheerioAPI } from "cheerio/slim";

/** What is never part of what a page has to say. */
const NEVER_READ = [
  "head, script, style, noscript, template, svg, math, canvas, iframe, object, embed, audio, video",
  "nav, header, footer, aside, menu, dialog, button, select, textarea, label, figcaption",
  // Some sites put the whole page into a form.
  "form:not(:has(article, main, [role=main]))",
  "[hidden], [aria-hidden=true]",
  '[style*="display:none"], [style*="display: none"]',
  '[style*="visibility:hidden"], [style*="visibility: hidden"]',
  "[role=navigation], [role=banner], [role=contentinfo], [role=complementary], [role=search]",
  "[role=dialog], [role=alertdialog], [role=alert], [role=menu], [role=menubar], [role=toolbar]",
].join(", ");

/** Words in the class or id of what surrounds the text of a page. */
const FURNITURE_WORDS = `
  ad ads advert advertisement adsense sponsor sponsored promo promoted cookie cookies consent gdpr newsletter subscribe
  share sharing social related recommended comments breadcrumb breadcrumbs sidebar popup modal pagination`;
const FURNITURE: ReadonlySet<string> = new Set(FURNITURE_WORDS.trim().split(/\s+/));

/** A block with furniture's name, but as much of the page's text, is the page itself. */
const MAX_SHARE_OF_TEXT = 0.33;

/** Takes out of a page what is not for reading: scripts, menus, forms, advertisements, hidden parts. */
export function dropFurniture($: CheerioAPI): void {
  $(NEVER_READ).remove();
  const most = $.root().text().length * MAX_SHARE_OF_TEXT;
  $("[class], [id]")
    .not("html, body")
    .filter((_, element) => {
      const { class: classes = "", id = "" } = element.attribs;
      return isNamedLikeFurniture(`${classes} ${id}`) && $(element).text().length <= most;
    })
    .remove();
}

function isNamedLikeFurniture(names: string): boolean {
  return names
    .toLowerCase()
    .split(/[^a-z0-9]+/)
    .some((word) => FURNITURE.has(word));
}
