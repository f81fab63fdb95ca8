import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type ArticleServer, serveArticle } from "#cli/demo/article-server.ts";
import { type Ended, runCli } from "./cli-process.ts";
import { type RunningSystem, startUp } from "./running-system.ts";

let article: ArticleServer;
let system: RunningSystem;
let folder: string;

beforeAll(async () => {
  article = await serveArticle();
  system = await startUp({ MILLRACE_FETCH_ALLOW_HOSTS: article.address });
  folder = await mkdtemp(join(tmpdir(), "millrace-batch-"));
});

afterAll(async () => {
  await rm(folder, { recursive: true });
  await system[Symbol.asyncDispose]();
  await article[Symbol.asyncDispose]();
});

function millrace(...args: string[]): Promise<Ended> {
  return runCli([...system.server, ...args]);
}

async function batchOf(lines: readonly unknown[], name = "batch.jsonl"): Promise<string> {
  const file = join(folder, name);
  const texts = lines.map((line) => (typeof line === "string" ? line : JSON.stringify(line)));
  await writeFile(file, `${texts.join("\n")}\n`);
  return file;
}

const input = () => ({ "@type": "web.summarize", url: article.url });

describe("submit --batch", () => {
  test("submits a task for each line, and prints their ids in order", async () => {
    const lines = Array.from({ length: 1_200 }, (_, index) => ({
      taskId: `many-${index}`,
      spec: { input: input(), delay: "3600s" },
    }));
    const file = await batchOf(lines);
    const first = await millrace("submit", "--batch", file);
    expect(first).toEqual({
      code: 0,
      stdout: `${lines.map(({ taskId }) => taskId).join("\n")}\n`,
      stderr: "",
    });
    const again = await millrace("submit", "--batch", file, "--json");
    const answers = again.stdout.trimEnd().split("\n");
    expect(answers).toHaveLength(1_200);
    expect(JSON.parse(answers.at(-1) ?? "")).toMatchObject({
      line: 1_200,
      deduplicated: true,
      task: { id: "many-1199", state: "TASK_STATE_SCHEDULED" },
    });
  });

  test("tells which lines are refused and why, and submits the others", async () => {
    const file = await batchOf([
      { taskId: "good", spec: { input: input() } },
      "",
      "{",
      { input: input(), queue: "elsewhere" },
      { input: { ...input(), url: "nowhere" } },
      { taskId: "other", spec: { input: input() } },
    ]);
    const { code, stdout, stderr } = await millrace("submit", "--batch", file);
    expect(code).toBe(2);
    expect(stdout).toBe("good\nother\n");
    const [broken, queue, url, sum] = stderr.trimEnd().split("\n");
    expect(broken).toMatch(/^line 3: this is not JSON: /);
    expect(queue).toBe('line 4: queue: there is no queue "elsewhere"; there are: default');
    expect(url).toMatch(/^line 5: url: /);
    expect(sum).toBe("2 accepted, 3 refused");

    const told = await millrace("submit", "--batch", file, "--json");
    expect(told.code).toBe(2);
    const lines = told.stdout
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(lines.map(({ line, error }) => [line, error?.code])).toEqual([
      [1, undefined],
      [3, "INVALID_ARGUMENT"],
      [4, "INVALID_ARGUMENT"],
      [5, "INVALID_ARGUMENT"],
      [6, undefined],
    ]);
  });

  test("takes lines from standard input, of the type that the command names", async () => {
    const lines = `${JSON.stringify({ taskId: "piped", spec: { input: { url: article.url } } })}\n`;
    const args = ["submit", "web.summarize", "--batch", "-"];
    expect(await runCli([...system.server, ...args], lines)).toEqual({
      code: 0,
      stdout: "piped\n",
      stderr: "",
    });
  });

  test("an id that is taken ends with a code of its own", async () => {
    const file = await batchOf([
      { taskId: "piped", spec: { input: input(), queue: "default", labels: { a: "b" } } },
    ]);
    const { code, stderr } = await millrace("submit", "--batch", file);
    expect(code).toBe(7);
    expect(stderr).toContain("line 1: the id piped is taken");
  });

  test("takes a byte order mark, refuses lines that are not UTF-8, and says when there was nothing", async () => {
    const file = join(folder, "bytes.jsonl");
    const line = JSON.stringify({ input: input(), labels: { n: "Müller" } });
    await writeFile(file, `\ufeff${line}\n`);
    expect(await millrace("submit", "--batch", file)).toMatchObject({ code: 0, stderr: "" });
    await writeFile(file, Buffer.from(`${line}\n`, "latin1"));
    const { code, stdout, stderr } = await millrace("submit", "--batch", file);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toBe("line 1: it is not UTF-8\n0 accepted, 1 refused\n");
    for (const nothing of ["", "\n \n"]) {
      await writeFile(file, nothing);
      expect(await millrace("submit", "--batch", file)).toEqual({
        code: 2,
        stdout: "",
        stderr: `error: --batch: ${file} has no tasks\n`,
      });
    }
  });

  test("is refused with options that each line has for itself, and without a file", async () => {
    const file = await batchOf([]);
    for (const [args, message] of [
      [["--batch", file, "--queue", "default"], "cannot be used with option"],
      [["--batch", file, "--watch"], "cannot be used with option"],
      [["web.summarize", "url=x", "--batch", file], "a batch has its inputs in its lines"],
      [["--batch", join(folder, "none")], "--batch: ENOENT"],
      [["--batch", folder], "--batch: EISDIR"],
      [[], "missing required argument 'type'"],
    ] as const) {
      const { code, stderr } = await millrace("submit", ...args);
      expect([code, stderr]).toEqual([2, expect.stringContaining(message)]);
    }
  });
});

describe("submit", () => {
  test.each([
    { what: "empty", bytes: Buffer.from(" \n"), says: "is empty" },
    { what: "not UTF-8", bytes: Buffer.from('{"url":"Müller"}', "latin1"), says: "is not UTF-8" },
    { what: "UTF-16", bytes: Buffer.from('\ufeff{"url":"x"}', "utf16le"), says: "is not UTF-8" },
  ])("names an input file that is $what", async ({ bytes, says }) => {
    const file = join(folder, "input.json");
    await writeFile(file, bytes);
    const { code, stderr } = await millrace("submit", "web.summarize", "--input-file", file);
    expect({ code, stderr }).toEqual({ code: 2, stderr: `error: --input-file: ${file} ${says}\n` });
  });

  test("says when a task may start, when it must have, and how long it may take", async () => {
    const args = ["submit", "web.summarize", `url=${article.url}`];
    const options = {
      "--delay": "10m",
      "--ttl": "1h",
      "--task-timeout": "2h",
      "--timeout": "30s",
      "--soft-timeout": "20s",
      "--max-attempts": "5",
    };
    const codes = ["--no-retry-on", "HTTP_STATUS", "--no-retry-on", "NOT_A_PAGE"];
    const { stdout } = await millrace(...args, ...Object.entries(options).flat(), ...codes);
    const task = JSON.parse((await millrace("get", stdout.trim(), "--json")).stdout);
    expect(task).toMatchObject({
      state: "TASK_STATE_SCHEDULED",
      spec: {
        delay: "600s",
        ttl: "3600s",
        taskTimeout: "7200s",
        attemptTimeout: "30s",
        attemptSoftTimeout: "20s",
        retryPolicy: { maxAttempts: 5, nonRetryableCodes: ["HTTP_STATUS", "NOT_A_PAGE"] },
      },
    });
  });

  test("takes times instead of durations, and refuses both at once", async () => {
    const args = ["submit", "web.summarize", `url=${article.url}`, "--json"];
    const hoursOn = (hours: number) => new Date(Date.now() + hours * 3_600_000).toISOString();
    const times = ["--start-time", hoursOn(1), "--expire-time", hoursOn(2)];
    const { stdout } = await millrace(...args, ...times);
    const { spec } = JSON.parse(stdout).task;
    expect([spec.startTime, spec.expireTime].map((time) => new Date(time).toISOString())).toEqual([
      times[1],
      times[3],
    ]);
    const both = await millrace(...args, ...times, "--delay", "1m");
    expect([both.code, both.stderr]).toEqual([
      2,
      expect.stringContaining("'--start-time <time>' cannot be used with option '--delay"),
    ]);
  });

  test("a wrong duration, time or code is refused with what is allowed", async () => {
    for (const [option, given, message] of [
      ["--delay", "soon", "must be a duration"],
      ["--task-timeout", "10 years", "must be a duration"],
      ["--start-time", "tomorrow", "must be a time with its zone"],
      ["--no-retry-on", "http", "must be the code of an error"],
    ] as const) {
      const { code, stderr } = await millrace("submit", "web.summarize", "url=x", option, given);
      expect([code, stderr]).toEqual([2, expect.stringContaining(message)]);
    }
  });
});
