import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { extractApart } from "../../../services/worker/handlers/summarize-page/extract-apart.ts";

const EXTRACT_APART = import.meta.resolve(
  "../../../services/worker/handlers/summarize-page/extract-apart.ts",
);

/** Each closing tag is looked for in the whole stack of open ones: minutes of work for the parser. */
const TOILSOME = `${"<b>".repeat(300_000)}${"</i>".repeat(300_000)}`;

const NEVER = new AbortController().signal;

function html(text: string) {
  return { text, mediaType: "text/html" };
}

test("a page that keeps the parser busy is given up, and this thread goes on meanwhile", async () => {
  let turns = 0;
  const turning = setInterval(() => turns++, 10);
  const limits = { timeoutMs: 1_000, maxHeapMb: 512 };
  await expect(extractApart(html(TOILSOME), NEVER, limits)).rejects.toMatchObject({
    name: "PermanentError",
    code: "PAGE_TOO_COMPLEX",
    message: expect.stringContaining("within 1 s and 512 MB"),
  });
  clearInterval(turning);
  expect(turns).toBeGreaterThan(5);
});

test("a page that takes too much memory takes no other attempt with it", async () => {
  const limits = { timeoutMs: 30_000, maxHeapMb: 16 };
  const wide = html("<p>water</p>".repeat(300_000));
  await expect(extractApart(wide, NEVER, limits)).rejects.toMatchObject({
    code: "PAGE_TOO_COMPLEX",
  });
});

test("a page that is all in use when memory runs out does not end the worker's process", async () => {
  // A process as the worker's is: in vitest's own, V8 lays out its memory differently.
  const { stdout } = await promisify(execFile)(process.execPath, [
    "--eval",
    `import { extractApart } from ${JSON.stringify(EXTRACT_APART)};
     const page = { text: "<html><body>" + "<p>x".repeat(400_000), mediaType: "text/html" };
     for (const maxHeapMb of [48, 52]) {
       const limits = { timeoutMs: 30_000, maxHeapMb };
       await extractApart(page, new AbortController().signal, limits).catch(({ code }) => console.log(code));
     }`,
  ]);
  expect(stdout).toBe("PAGE_TOO_COMPLEX\nPAGE_TOO_COMPLEX\n");
});

test("a page that is stopped while it runs out of memory takes no other attempt with it", async () => {
  const wide = html(`<html><body>${"<p>x".repeat(400_000)}`);
  const startedMs = performance.now();
  await extractApart(wide, NEVER, { timeoutMs: 30_000, maxHeapMb: 32 }).catch(() => {});
  const fullMs = performance.now() - startedMs;
  // Before its memory is full, in that moment and after it: an error that nobody hears would end this process.
  for (let part = 0.7; part < 1.1; part += 0.05) {
    const limits = { timeoutMs: Math.round(fullMs * part), maxHeapMb: 32 };
    await expect(extractApart(wide, NEVER, limits)).rejects.toMatchObject({
      code: "PAGE_TOO_COMPLEX",
    });
  }
});

test("a page as deep as no person writes is read as far as its text reaches", async () => {
  const deep = html(`<p>At the surface.</p>${"<div>".repeat(2_000)}At the bottom.`);
  const page = await extractApart(deep, NEVER);
  expect(page.blocks.map(({ text }) => text)).toEqual(["At the surface."]);
});

test("a page that is deeper still is refused", async () => {
  const abyss = html("<div>".repeat(20_000));
  await expect(extractApart(abyss, NEVER)).rejects.toMatchObject({ code: "PAGE_TOO_COMPLEX" });
});
