import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { ProcessingType } from "#gen/millrace/tasks/v1/summarize_page_pb.ts";
import { VERSION } from "#lib/process/version.ts";
import { ARTICLE, ARTICLE_SENTENCES, ARTICLE_WORDS } from "./article.ts";
import { LocalServer } from "./local-server.ts";
import { run } from "./run-handler.ts";

const HTML = { "content-type": "text/html; charset=utf-8" };

function serve(body: string | Buffer, headers: Record<string, string> = HTML) {
  const length = String(Buffer.byteLength(body));
  return LocalServer.start((_request, response) => {
    response.writeHead(200, { ...headers, "content-length": length }).end(body);
  });
}

function summarize(server: LocalServer, processingType: ProcessingType = ProcessingType.QUICK) {
  const settings = { fetchAllowHosts: [server.host] };
  return run({ url: server.url("/page"), settings, processingType });
}

describe("an article", () => {
  test("is summarized quickly in three of its sentences, in its order", async () => {
    await using server = await serve(ARTICLE);
    const { attempt, output } = summarize(server);
    const page = await output;
    expect(page).toMatchObject({
      url: server.url("/page"),
      title: "How locks lift boats",
      summarizer: "extractive",
      processingType: ProcessingType.QUICK,
      keyPoints: [],
      wordCount: ARTICLE_WORDS,
    });
    const chosen = ARTICLE_SENTENCES.filter((sentence) => page.summary.includes(sentence));
    expect(page.summary).toBe(chosen.join(" "));
    expect(chosen).toHaveLength(3);
    expect(attempt.emitted).toBe(page.summary);
    expect(attempt.pieces).toHaveLength(3);
  });

  test("is summarized in detail with five key points that the summary does not say", async () => {
    await using server = await serve(ARTICLE);
    const { attempt, output } = summarize(server, ProcessingType.DETAILED);
    const page = await output;
    expect(page.processingType).toBe(ProcessingType.DETAILED);
    expect(page.summary.split("\n\n")).toHaveLength(3);
    const chosen = ARTICLE_SENTENCES.filter((sentence) => page.summary.includes(sentence));
    expect(chosen).toHaveLength(8);
    expect(new Set([...chosen, ...page.keyPoints]).size).toBe(13);
    const list = page.keyPoints.map((point) => `- ${point}`).join("\n");
    expect(attempt.emitted).toBe(`${page.summary}\n\nKey points:\n${list}`);
  });

  test("is reported step by step, and the fraction never goes back", async () => {
    await using server = await serve(ARTICLE);
    const { attempt, output } = summarize(server);
    await output;
    const notes = [...new Set(attempt.reports.map(({ note }) => note))];
    expect(notes).toEqual([
      `fetching ${server.host}`,
      `fetching ${server.host}: 2 of 2 KB`,
      `extracting the text of ${server.host}`,
      `summarizing ${ARTICLE_WORDS} words`,
      "saving",
    ]);
    expect(new Set(attempt.reports.map(({ current }) => current))).toEqual(new Set([1, 2, 3, 4]));
    const fractions = attempt.reports.map(({ fraction = Number.NaN }) => fraction);
    expect(fractions).toEqual(fractions.toSorted((a, b) => a - b));
    expect([fractions[0], fractions.at(-1)]).toEqual([0, 1]);
  });

  test("is asked for by name and version", async () => {
    let userAgent: string | undefined;
    await using server = await LocalServer.start((request, response) => {
      userAgent = request.headers["user-agent"];
      response.writeHead(200, HTML).end(ARTICLE);
    });
    await summarize(server).output;
    expect(userAgent).toBe(`Millrace/${VERSION}`);
  });

  test("leaves the facts in the task's log", async () => {
    await using server = await serve(ARTICLE);
    const { attempt, output } = summarize(server);
    await output;
    expect(attempt.lines).toEqual([
      `info: ${server.host} answered with status 200, text/html; charset=utf-8, 2 KB`,
      "info: charset utf-8",
      `info: ${ARTICLE_WORDS} words of readable text, title "How locks lift boats"`,
    ]);
  });
});

test("a page without a body, behind its doctype and what a server left of PHP, is summarized", async () => {
  await using server = await serve("<!doctype html><?php menu() ?><p>Water turns the wheel.</p>");
  expect((await summarize(server).output).summary).toBe("Water turns the wheel.");
});

test.each([
  ["gzip", gzipSync(ARTICLE)],
  ["br", brotliCompressSync(ARTICLE)],
  ["deflate", deflateSync(ARTICLE)],
  ["deflate", deflateRawSync(ARTICLE)],
])("a page compressed by %s is read", async (encoding, body) => {
  await using server = await serve(body, { ...HTML, "content-encoding": encoding });
  const { attempt, output } = summarize(server);
  expect((await output).wordCount).toBe(ARTICLE_WORDS);
  expect(attempt.lines[0]).toContain(`of ${encoding}`);
});

test("a page in iso-8859-1 is read by its content-type", async () => {
  const body = Buffer.from("<p>Die Mühle läuft früh und spät im Öhringer Tal.</p>", "latin1");
  await using server = await serve(body, { "content-type": "text/html; charset=ISO-8859-1" });
  expect((await summarize(server).output).summary).toBe(
    "Die Mühle läuft früh und spät im Öhringer Tal.",
  );
});

test("a page in shift_jis is read by its meta", async () => {
  // 水車は水の力で回る。
  const sentence = Buffer.from("90858ed482cd908582cc97cd82c589f182e98142", "hex");
  const head = '<html lang="ja"><head><meta charset="shift_jis"></head><body><p>';
  const body = Buffer.concat([Buffer.from(head), sentence]);
  await using server = await serve(body, { "content-type": "text/html" });
  const { attempt, output } = summarize(server);
  expect((await output).summary).toBe("水車は水の力で回る。");
  expect(attempt.lines).toContain("info: charset shift_jis");
});

test("a charset that nobody knows is read as utf-8, and the log says so", async () => {
  await using server = await serve("<p>Grüße aus der Mühle.</p>", {
    "content-type": "text/html; charset=klingon-8",
  });
  const { attempt, output } = summarize(server);
  expect((await output).summary).toBe("Grüße aus der Mühle.");
  expect(attempt.lines).toContain("warn: charset klingon-8 is unknown; reading the page as utf-8");
});

test("plain text is summarized too", async () => {
  await using server = await serve("Water flows down.\nIt turns a wheel.\n\nGrain is ground.", {
    "content-type": "text/plain",
  });
  expect(await summarize(server).output).toMatchObject({
    title: "",
    wordCount: 10,
    summary: "Water flows down. It turns a wheel. Grain is ground.",
  });
});
