import { afterAll, beforeAll, expect, test } from "vitest";
import { type ArticleServer, serveArticle } from "#cli/demo/article-server.ts";
import { type Ended, runCli, startCli } from "./cli-process.ts";
import { type RunningSystem, startUp } from "./running-system.ts";
import { type SilentServer, startSilentServer } from "./silent-server.ts";

let article: ArticleServer;
let silent: SilentServer;
let system: RunningSystem;

beforeAll(async () => {
  article = await serveArticle();
  silent = await startSilentServer();
  const allowed = `${article.address},${silent.address}`;
  system = await startUp({ MILLRACE_FETCH_ALLOW_HOSTS: allowed });
});

afterAll(async () => {
  await system[Symbol.asyncDispose]();
  await silent[Symbol.asyncDispose]();
  await article[Symbol.asyncDispose]();
});

function millrace(...args: string[]): Promise<Ended> {
  return runCli([...system.server, ...args]);
}

async function submitted(...args: string[]): Promise<string> {
  return (await millrace("submit", "web.summarize", ...args)).stdout.trim();
}

test("submit takes JSON from standard input, and prints the id", async () => {
  const input = JSON.stringify({ url: article.url });
  const args = ["submit", "SummarizePage", "--input-file", "-", "--id", "from-stdin"];
  expect(await runCli([...system.server, ...args], input)).toEqual({
    code: 0,
    stdout: "from-stdin\n",
    stderr: "",
  });
});

test("the same request id finds the same task", async () => {
  const args = ["submit", "web.summarize", `url=${article.url}`, "--request-id", "r-1", "--json"];
  const first = JSON.parse((await millrace(...args)).stdout);
  const second = JSON.parse((await millrace(...args)).stdout);
  expect(second).toMatchObject({ deduplicated: true, task: { id: first.task.id } });
});

test("an id that another task has is refused", async () => {
  await submitted(`url=${article.url}`, "--id", "taken");
  const again = await millrace("submit", "web.summarize", "url=http://other.test", "--id", "taken");
  expect(again).toMatchObject({ code: 7, stdout: "" });
  expect(again.stderr).toMatch(/^error: the id taken is taken .*\n$/);
});

test("a field that the input does not have is named, with those it has", async () => {
  const { code, stderr } = await millrace("submit", "web.summarize", "urll=x");
  expect(code).toBe(2);
  expect(stderr).toBe(
    'error: SummarizePage has no field "urll" (did you mean "url"?); fields: url, processing_type\n',
  );
});

test("an input that breaks a rule is refused with the field's name", async () => {
  const { code, stderr } = await millrace("submit", "web.summarize", "url=nowhere");
  expect(code).toBe(2);
  expect(stderr).toMatch(/^error: url: .*\n$/);
});

test("a type that nobody announced is named, with those that are known", async () => {
  const { code, stderr } = await millrace("submit", "web.sumarize", "url=x");
  expect(code).toBe(2);
  expect(stderr).toBe(
    'error: there is no task type "web.sumarize" (did you mean "web.summarize"?); known: web.summarize\n',
  );
});

test("without a gateway, one line says so and what to do", async () => {
  const { code, stderr } = await runCli(["--server", "127.0.0.1:1", "types"]);
  expect(code).toBe(4);
  expect(stderr).toMatch(
    /^error: can't reach a gateway at 127\.0\.0\.1:1; start one with `millrace up` .*\n$/,
  );
});

test("a port that serves something else is no gateway", async () => {
  const { code, stderr } = await runCli(["--server", system.facts.gatewayHttp, "types"]);
  expect(code).toBe(4);
  expect(stderr).toMatch(/^error: \S+ does not answer like a gateway's gRPC door .*\n$/);
});

test("a command that does not exist is a usage error", async () => {
  expect(await millrace("sumbit")).toMatchObject({ code: 2, stdout: "" });
});

test("watching a finished task replays its whole history", async () => {
  const taskId = await submitted(`url=${article.url}`);
  const live = await millrace("watch", taskId);
  const replayed = await millrace("watch", taskId, "--json");
  expect(replayed).toEqual(live);
  const events = replayed.stdout
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
  expect(events[0].spec.input.url).toBe(article.url);
  expect(events.at(-1).state.state).toBe("TASK_STATE_SUCCEEDED");
  const [, second] = events;
  const rest = await millrace("watch", taskId, "--after", second.sequence);
  expect(rest.stdout).toBe(live.stdout.split("\n").slice(2).join("\n"));
});

test("the watch of a task that fails ends with its exit code", async () => {
  const args = ["submit", "web.summarize", "url=http://127.0.0.1:9/", "--watch"];
  expect(await millrace(...args)).toMatchObject({ code: 1 });
});

test("a canceled task ends its watch with an exit code of its own, and can't be canceled when finished", async () => {
  const taskId = await submitted(`url=http://${silent.address}/`);
  const watch = startCli([...system.server, "watch", taskId]);
  await watch.until("stdout", "TASK_STATE_RUNNING");
  const canceled = await millrace("cancel", taskId, "--reason", "changed my mind");
  expect(canceled).toMatchObject({ code: 0, stdout: `${taskId} is canceled\n` });
  const { code, stdout } = await watch.ended;
  expect(code).toBe(5);
  expect(stdout).toContain('"cancelReason":"changed my mind"');
  const finished = await submitted(`url=${article.url}`);
  await millrace("watch", finished);
  expect(await millrace("cancel", finished)).toMatchObject({ code: 7 });
});

test("Ctrl-C ends a watch, and the task goes on", async () => {
  const taskId = await submitted(`url=http://${silent.address}/`);
  const watch = startCli([...system.server, "watch", taskId]);
  await watch.until("stdout", "TASK_STATE_RUNNING");
  watch.kill("SIGINT");
  expect(await watch.ended).toMatchObject({
    code: 130,
    stderr: `detached; to watch it again: millrace watch ${taskId}\n`,
  });
  expect((await millrace("get", taskId)).stdout).toContain("RUNNING");
  await millrace("cancel", taskId);
});

test("a watch outlives its gateway, and says so", async () => {
  await using own = await startUp({ MILLRACE_FETCH_ALLOW_HOSTS: silent.address });
  const submit = ["submit", "web.summarize", `url=http://${silent.address}/`];
  const taskId = (await runCli([...own.server, ...submit])).stdout.trim();
  const watch = startCli([...own.server, "watch", taskId]);
  await watch.until("stdout", "TASK_STATE_RUNNING");
  process.kill(own.facts.pids.gateway, "SIGKILL");
  await watch.until("stderr", "lost the gateway");
  await watch.until("stderr", "watching again");
  await runCli([...own.server, "cancel", taskId]);
  const { code, stdout } = await watch.ended;
  expect(code).toBe(5);
  const sequences = stdout
    .trimEnd()
    .split("\n")
    .map((line) => Number(JSON.parse(line).sequence));
  expect(sequences).toEqual([...new Set(sequences)].sort((a, b) => a - b));
});

test("get shows a task for people and for programs, and knows when there is none", async () => {
  const taskId = await submitted(`url=${article.url}`, "--label", "team=water");
  await millrace("watch", taskId);
  const { stdout } = await millrace("get", taskId);
  expect(stdout).toContain("web.summarize  SUCCEEDED");
  expect(stdout).toContain("team=water");
  expect(JSON.parse((await millrace("get", taskId, "--json")).stdout)).toMatchObject({
    id: taskId,
    state: "TASK_STATE_SUCCEEDED",
  });
  expect(await millrace("get", "nobody")).toMatchObject({ code: 3, stdout: "" });
});

test("types lists what can be submitted, with its fields", async () => {
  const { stdout } = await millrace("types");
  expect(stdout).toContain("millrace.tasks.v1.SummarizePage");
  expect(stdout).toContain("processing_type: unspecified | quick | detailed");
});

test("an id, a key or a queue that is empty is refused, for it would mean something else", async () => {
  const submit = ["submit", "web.summarize", `url=${article.url}`];
  const commands = [
    [...submit, "--id", ""],
    [...submit, "--request-id", ""],
    [...submit, "--queue", ""],
    ["redrive", "--yes", "--queue", ""],
    ["redrive", "--yes", "--code", ""],
    ["dead-letters", "--type", ""],
  ];
  for (const command of commands) {
    const { code, stdout, stderr } = await millrace(...command);
    expect({ code, stdout }, command.join(" ")).toEqual({ code: 2, stdout: "" });
    expect(stderr).toMatch(/^error: option '--.* argument '' is invalid\. must not be empty\n$/);
  }
});
