import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type CliProcess, startCli } from "./cli-process.ts";
import { processesWith } from "./left-behind.ts";

let temp: string;

beforeEach(async () => {
  temp = await mkdtemp(join(tmpdir(), "millrace-test-demo-"));
});

afterEach(async () => {
  await rm(temp, { recursive: true, force: true });
});

function startDemo(...args: string[]): CliProcess {
  return startCli(["demo", ...args], { TMPDIR: temp });
}

/** A busy machine may take longer than the demo is patient, which it tells. */
function withoutWaiting(stderr: string): string {
  return stderr.replaceAll(/^still waiting for .*\n/gm, "");
}

async function leftBehind() {
  return { files: await readdir(temp), processes: await processesWith(temp) };
}

test("the demo shows the steps and the summary of its own page, and leaves nothing behind", async () => {
  const { code, stdout, stderr } = await startDemo().ended;
  expect({ code, stderr: withoutWaiting(stderr) }).toEqual({ code: 0, stderr: "" });
  expect(stdout).toMatch(/The page: http:\S+ \(an article that this demo serves itself/);
  expect(stdout).toContain("extracting the text");
  expect(stdout).toContain("✔ succeeded");
  expect(stdout).toMatch(/mill race/);
  expect(stdout).toContain("npm start");
  expect(await leftBehind()).toEqual({ files: [], processes: [] });
});

test("the detailed demo for programs prints one JSON line per event, the terminal one last, and nothing else", async () => {
  const { code, stdout, stderr } = await startDemo("--json", "--detailed").ended;
  expect({ code, stderr: withoutWaiting(stderr) }).toEqual({ code: 0, stderr: "" });
  const events = stdout
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
  expect(events[0].spec.input).toMatchObject({ processingType: "PROCESSING_TYPE_DETAILED" });
  expect(events.at(-1).state).toMatchObject({
    state: "TASK_STATE_SUCCEEDED",
    output: { "@type": "type.googleapis.com/millrace.tasks.v1.PageSummary" },
  });
  expect(events.at(-1).state.output.keyPoints.length).toBeGreaterThan(0);
});

test.each(["notaurl", "ftp://x.test/", "http://a b/", ""])(
  "a demo of %o, which is no page, starts nothing",
  async (url) => {
    const { code, stdout, stderr } = await startDemo("--url", url).ended;
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toMatch(/^error: --url: ".*" is no page: must be.+\n$/);
  },
);

test("a demo whose page is refused tells why, and fails", async () => {
  const { code, stdout } = await startDemo("--url", "http://127.0.0.1:9/private").ended;
  expect(code).toBe(1);
  expect(stdout).toMatch(/✘ failed .*private address.*\(ADDRESS_REFUSED\)/);
  expect(await leftBehind()).toEqual({ files: [], processes: [] });
});

test("Ctrl-C in the middle of a demo leaves nothing behind", async () => {
  const demo = startDemo();
  await demo.until("stdout", "Starting");
  demo.kill("SIGINT");
  const { code, stderr } = await demo.ended;
  expect(code).toBe(130);
  expect(stderr).toBe("stopping; Ctrl-C again stops at once\n");
  expect(await leftBehind()).toEqual({ files: [], processes: [] });
});
