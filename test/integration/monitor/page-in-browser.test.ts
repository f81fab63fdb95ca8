import { durationFromMs } from "@bufbuild/protobuf/wkt";
import { describe, expect, type TestContext, test } from "vitest";
import { TaskState } from "#gen/millrace/v1/task_pb.ts";
import { until } from "#test/support/until.ts";
import { Browser, browserBin } from "./browser.ts";
import { WatchedSystem } from "./watched-system.ts";

const { RUNNING, SUCCEEDED, FAILED } = TaskState;
const PHONE = { width: 390, height: 844, deviceScaleFactor: 2, mobile: true };
const IN_AN_HOUR = { start: { case: "delay" as const, value: durationFromMs(3_600_000) } };
const bin = await browserBin();

function openBrowser({ skip }: TestContext): Promise<Browser> {
  return bin ? Browser.open(bin) : skip("no Chromium on this machine");
}

async function visit(browser: Browser, url: string): Promise<void> {
  await browser.call("Page.navigate", { url });
  await until(async () => (await textOf(browser, "#connection")) === "connected");
}

function textOf(browser: Browser, selector: string): Promise<unknown> {
  return browser.read(`document.querySelector(${JSON.stringify(selector)})?.innerText`);
}

/** The numbers that are not 0 on the tiles on top, by state. */
async function tiles(browser: Browser): Promise<unknown> {
  return browser.read(`Object.fromEntries([...document.querySelectorAll("#tasks dl")]
    .map((tile) => [tile.dataset.state, tile.querySelector("dd").innerText])
    .filter(([, tasks]) => tasks !== "0"))`);
}

async function shows(browser: Browser, expected: Record<string, string>): Promise<void> {
  await expect.poll(() => tiles(browser), { timeout: 30_000 }).toEqual(expected);
}

describe("the page in a browser", () => {
  test("counts tasks as they run, without being reloaded and without an error", async (context) => {
    await using browser = await openBrowser(context);
    await using system = await WatchedSystem.start();
    await visit(browser, (await system.monitor()).url);
    // Nobody has told where a gateway is.
    expect(await browser.read("document.querySelector('#empty pre').hidden")).toBe(true);
    const invites = () => browser.read("!document.querySelector('#empty').hidden");
    await until(async () => (await invites()) === true);

    const fence = await system.run("first", [RUNNING]);
    await shows(browser, { RUNNING: "1" });
    expect(await invites()).toBe(false);
    await system.move(fence, SUCCEEDED);
    await system.accept("scheduled", IN_AN_HOUR);
    await system.run("dead-letter", [RUNNING, FAILED], { error: { code: "TOLD", message: "so" } });
    await shows(browser, { SCHEDULED: "1", SUCCEEDED: "1", FAILED: "1" });
    const recent = String(await textOf(browser, "#recent"));
    expect(recent).toMatch(/dead-letter\s+FAILED\s+Work.*TOLD: so/);
    expect(recent).toMatch(/scheduled\s+SCHEDULED\s+Work.*starts \d/);
    await system.broker.queueSettings.pause("default", { reason: "why", requestedBy: "ada" });
    await until(async () => /default\s+paused/.test(String(await textOf(browser, "#queues"))));
    expect(browser.problems).toEqual([]);
  });

  test("says how to submit a task at the gateway that there is, and shows hostile texts escaped", async (context) => {
    await using browser = await openBrowser(context);
    await using system = await WatchedSystem.start();
    const { url } = await system.monitor({ MILLRACE_GATEWAY_URL: "https://tasks.example.com/" });
    await visit(browser, url);
    await until(async () =>
      String(await textOf(browser, "#empty pre")).startsWith(
        "curl https://tasks.example.com/millrace.v1.TaskService/SubmitTask ",
      ),
    );
    const error = { code: "TOLD", message: "a\u202eb\u0007<i>c</i>\u2028d" };
    await system.run("hostile", [RUNNING, FAILED], { error });
    await shows(browser, { FAILED: "1" });
    expect(await textOf(browser, "#recent")).toContain("TOLD: a\\u202eb\\u0007<i>c</i>\\u2028d");
    expect(browser.problems).toEqual([]);
  });

  test("warns of a history that fills up, and names the environment", async (context) => {
    await using browser = await openBrowser(context);
    await using system = await WatchedSystem.start();
    await visit(browser, (await system.monitor()).url);
    await system.accept("task");
    await until(async () => /of 2 GiB, 0 %/.test(String(await textOf(browser, "#history"))));
    const warns = () => browser.read("document.querySelector('#warning').checkVisibility()");
    expect(await warns()).toBe(false);
    expect(await textOf(browser, "#namespace")).toBe("");
    await system.fill(0.77);
    await until(async () => (await warns()) === true);
    expect(await textOf(browser, "#warning")).toContain("The history fills up");
    expect(await textOf(browser, "#history")).toMatch(/, 7[67] % · oldest event \d/);
    await system.fill(0.85);
    const isNearlyFull = /nearly full: the oldest/;
    await until(async () => isNearlyFull.test(String(await textOf(browser, "#warning"))));
    await visit(browser, (await system.monitor({ MILLRACE_NAMESPACE: "staging" })).url);
    await until(async () => (await textOf(browser, "#namespace")) === "staging");
    expect(browser.problems).toEqual([]);
  });

  test("fits on a phone", async (context) => {
    await using browser = await openBrowser(context);
    await using system = await WatchedSystem.start();
    const error = { code: "LONG", message: "a long message ".repeat(20) };
    await system.run("0190163d-8694-739b-aea5-966c26f8ad91", [RUNNING, FAILED], { error });
    await browser.call("Emulation.setDeviceMetricsOverride", PHONE);
    await visit(browser, (await system.monitor()).url);
    await shows(browser, { FAILED: "1" });
    expect(await browser.read("innerWidth")).toBe(PHONE.width);
    expect(await browser.read("document.documentElement.scrollWidth")).toBe(PHONE.width);
    const wide = `[...document.querySelectorAll("main > *, header > *, .card > *, dl")]
      .filter((part) => part.getBoundingClientRect().right > innerWidth)
      .map((part) => part.outerHTML.slice(0, 80))`;
    expect(await browser.read(wide)).toEqual([]);
    expect(browser.problems).toEqual([]);
  });
});
