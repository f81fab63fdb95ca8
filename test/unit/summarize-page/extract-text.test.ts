import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { extractText } from "../../../services/worker/handlers/summarize-page/extract-text.ts";

function html(text: string) {
  return extractText({ text, mediaType: "text/html" });
}

function texts(page: string): string[] {
  return html(page).blocks.map(({ text }) => text);
}

const LONG = "The river is high and the gates of the mill are open today. ".repeat(4).trim();

test("the demo's article is read without anything around it", () => {
  const page = html(readFileSync("cli/demo/article.html", "utf8"));
  const all = page.blocks.map(({ text }) => text).join("\n");
  expect(page.title).toBe("How a Mill Race Turned a Moody River into Steady Power");
  expect(page.language).toBe("en");
  expect(page.blocks.filter(({ kind }) => kind === "heading")).toHaveLength(5);
  expect(page.blocks.filter(({ kind }) => kind === "paragraph")).toHaveLength(13);
  expect(all.startsWith("How a Mill Race")).toBe(true);
  expect(all.endsWith("every hour of the day.")).toBe(true);
  for (const furniture of ["cookie", "pigeon", "Advertisement", "eels", "invented magazine"]) {
    expect(all).not.toContain(furniture);
  }
});

test.each([
  "<script>no()</script>",
  "<style>no{}</style>",
  "<nav>no</nav>",
  "<header>no</header>",
  "<footer>no</footer>",
  "<aside>no</aside>",
  "<form>no</form>",
  "<noscript>no</noscript>",
  "<template>no</template>",
  "<p hidden>no</p>",
  '<p aria-hidden="true">no</p>',
  '<p style="color: red; display: none">no</p>',
  '<p style="visibility:hidden">no</p>',
  '<div role="navigation">no</div>',
  '<div role="dialog">no</div>',
  '<div class="ad-slot">no</div>',
  '<div id="Cookie_Banner">no</div>',
  '<div class="related">no</div>',
  "<!-- no -->",
])("%s is not read", (furniture) => {
  expect(texts(`<body>${furniture}<p>${LONG}</p>${furniture}</body>`)).toEqual([LONG]);
});

test.each([
  ["a doctype and no body", (text: string) => `<!doctype html>${text}`],
  ["an XML declaration", (text: string) => `<?xml version="1.0"?><!DOCTYPE html>${text}`],
  ["a second doctype", (text: string) => `<html><body><!doctype html>${text}</body></html>`],
  ["a doctype in its article", (text: string) => `<article><!doctype html>${text}</article>`],
  ["a conditional comment", (text: string) => `<body><![if !IE]>${text}<![endif]></body>`],
  ["left-overs of PHP", (text: string) => `<body><?php include "menu.php" ?>${text}</body>`],
  ["left-overs of Word", (text: string) => `<div><?xml:namespace prefix = o />${text}</div>`],
  ["an empty declaration", (text: string) => `<body><!>${text}</body>`],
  ["CDATA", (text: string) => `<body><![CDATA[ no ]]>${text}</body>`],
])("a page with %s is read like any other", (_, pageAround) => {
  expect(texts(pageAround(`<p>${LONG}</p>`))).toEqual([LONG]);
});

test.each(["<!doctype html>", "<?php ?>", "<body><!doctype html></body>"])(
  "%s alone is a page without text",
  (page) => {
    expect(html(page).wordCount).toBe(0);
  },
);

describe("the text of a page", () => {
  test("is in the article, not in what surrounds it", () => {
    const page = `<div><p>Before it.</p><article><p>${LONG}</p></article><p>After it.</p></div>`;
    expect(texts(page)).toEqual([LONG]);
  });

  test("is in the article of the main part", () => {
    const page = `<main><p>Before it.</p><article><p>${LONG}</p></article></main>`;
    expect(texts(page)).toEqual([LONG]);
  });

  test("is in the main part when that holds many articles", () => {
    const page = `<main><article><p>${LONG}</p></article><article><p>${LONG}</p></article></main>`;
    expect(texts(page)).toEqual([LONG, LONG]);
  });

  test("is not in an article that only teases", () => {
    const page = `<article><p>Teaser.</p></article><div><p>${LONG}</p><p>${LONG}</p></div>`;
    expect(texts(page)).toEqual([LONG, LONG]);
  });

  test("is in the densest block when the page names none", () => {
    const links = '<li><a href="/">Somewhere else entirely, and far away from here</a></li>'.repeat(
      20,
    );
    const page = `<body><div><ul>${links}</ul></div><div><div><p>${LONG}</p><p>Yes.</p></div></div></body>`;
    expect(texts(page)).toEqual([LONG, "Yes."]);
  });

  test("may be in a form that holds the whole page", () => {
    expect(texts(`<form><main><p>${LONG}</p></main></form>`)).toEqual([LONG]);
  });

  test("may have a class that sounds like furniture", () => {
    expect(texts(`<div class="social"><p>${LONG}</p></div>`)).toEqual([LONG]);
  });

  test("keeps its paragraphs and headings apart", () => {
    const page = `<article><h2>Water <em>and</em> wheels</h2>one<p>two <b>bold</b>\n words</p>three<br><br>four<ul><li>five</li></ul></article>`;
    expect(html(page).blocks).toEqual([
      { kind: "heading", text: "Water and wheels" },
      { kind: "paragraph", text: "one" },
      { kind: "paragraph", text: "two bold words" },
      { kind: "paragraph", text: "three" },
      { kind: "paragraph", text: "four" },
      { kind: "paragraph", text: "five" },
    ]);
  });

  test("has no lists of links, but links in sentences", () => {
    const page = `<article><p>${LONG} <a href="/">See it</a>.</p><p><a href="/">Read more</a></p></article>`;
    expect(texts(page)).toEqual([`${LONG} See it.`]);
  });

  test("is counted in words, also where no spaces part them", () => {
    expect(html("<p>One, two; three!</p>").wordCount).toBe(3);
    expect(html('<html lang="ja"><p>水車は水の力で回る。</p></html>').wordCount).toBeGreaterThan(4);
  });

  test("may be missing", () => {
    expect(html("")).toEqual({ title: "", language: "en", blocks: [], wordCount: 0 });
    expect(html("<html><head></head><body></body></html>").wordCount).toBe(0);
  });
});

describe("the title of a page", () => {
  const heading = "<body><header><h1>By heading</h1></header></body>";

  test("is what it wants to be shared as", () => {
    const page = `<head><title>By title | Site</title><meta property="og:title" content="By og"></head>${heading}`;
    expect(html(page).title).toBe("By og");
  });

  test("is its title element, and no drawing's", () => {
    const page = `<head><title> By\n title </title></head><body><svg><title>Icon</title></svg></body>`;
    expect(html(page).title).toBe("By title");
  });

  test("is its first heading when it has no title", () => {
    expect(html(`<head><title></title></head>${heading}`).title).toBe("By heading");
  });

  test("is cut when it goes on and on", () => {
    expect(html(`<title>${"mill ".repeat(200)}</title>`).title).toHaveLength(300);
  });
});

test("a language that does not exist is taken for English", () => {
  expect(html('<html lang="not a language"><p>Yes.</p></html>').language).toBe("en");
  expect(html('<html lang="de-at"><p>Ja.</p></html>').language).toBe("de-AT");
});

test("plain text is cut at its blank lines, and tags in it are text", () => {
  const page = extractText({ text: "one\ntwo\r\n \r\nthree <b>\n", mediaType: "text/plain" });
  expect(page).toMatchObject({ title: "", language: "en", wordCount: 4 });
  expect(page.blocks.map(({ text }) => text)).toEqual(["one two", "three <b>"]);
});
