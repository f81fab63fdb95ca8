import { readdir } from "node:fs/promises";
import { expect } from "vitest";
import { until } from "#test/support/until.ts";
import { testOnSharedMonitor as test } from "./shared-monitor.ts";

const TYPES: Readonly<Record<string, string>> = {
  html: "text/html; charset=utf-8",
  js: "text/javascript; charset=utf-8",
  css: "text/css; charset=utf-8",
  svg: "image/svg+xml",
};

test("the page and all that it is made of are served, safely", async ({ monitor }) => {
  const { url } = monitor;
  const files = await readdir("services/monitor/web");
  expect(files).toContain("index.html");
  for (const file of files) {
    const response = await fetch(`${url}/${file === "index.html" ? "" : file}`);
    expect(response.status, file).toBe(200);
    expect(response.headers.get("content-type")).toBe(TYPES[file.split(".").at(-1) ?? ""]);
    expect(response.headers.get("content-security-policy")).toContain("default-src 'self'");
    expect(response.headers.get("cache-control")).toBe("no-cache");
    const text = await response.text();
    expect(text, `${file} writes markup`).not.toMatch(
      /innerHTML|insertAdjacentHTML|document\.write/,
    );
  }
});

test("everything that the page asks for is there", async ({ monitor }) => {
  await until(async () => (await monitor.readiness()).ready);
  const { url } = monitor;
  const asked = ["/"];
  for (const path of asked) {
    const response = await fetch(url + path);
    expect(response.status, path).toBe(200);
    const found = [...(await response.text()).matchAll(/(?:href|src|from|import)[= ]"([^"]+)"/g)];
    const paths = found.map(([, target = ""]) => new URL(target, url + path).pathname);
    asked.push(...paths.filter((one) => !asked.includes(one)));
  }
  expect(asked).toContain("/watch.js");
});

test("nothing else is served, and nothing can be posted to the page", async ({ monitor }) => {
  const { url } = monitor;
  for (const path of ["/nothing", "/web/index.html", "/..%2fmain.ts", "/main.ts"]) {
    expect((await fetch(url + path)).status, path).toBe(404);
  }
  expect((await fetch(url, { method: "POST", body: "{}" })).status).toBe(404);
});
