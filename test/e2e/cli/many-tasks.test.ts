import { userInfo } from "node:os";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type ArticleServer, serveArticle } from "#cli/demo/article-server.ts";
import { type Ended, hasTerminals, runCli, startCli, startCliOnTerminal } from "./cli-process.ts";
import { type RunningSystem, startUp } from "./running-system.ts";
import { type SilentServer, startSilentServer } from "./silent-server.ts";

const REFUSED_PAGE = "url=http://127.0.0.1:9/";

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

/** A task that has failed for good. */
async function failed(...args: string[]): Promise<string> {
  const taskId = await submitted(REFUSED_PAGE, ...args);
  await millrace("watch", taskId);
  return taskId;
}

const linesOf = ({ stdout }: Ended) =>
  stdout
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line));

test("several tasks are watched at once, each told whole; the exit code is of the first that did not succeed", async () => {
  const [good, bad] = [await submitted(`url=${article.url}`), await submitted(REFUSED_PAGE)];
  const both = await millrace("watch", good, bad);
  expect(both.code).toBe(1);
  for (const taskId of [good, bad]) {
    const alone = await millrace("watch", taskId);
    expect(linesOf(both).filter((event) => event.taskId === taskId)).toEqual(linesOf(alone));
  }
  expect(await millrace("watch", good, good)).toMatchObject({ code: 0 });
});

test("of several tasks, one that is not there is named, and the others are watched", async () => {
  const good = await submitted(`url=${article.url}`);
  const { code, stderr, stdout } = await millrace("watch", good, "nobody");
  expect(code).toBe(3);
  expect(stderr).toMatch(/^error: task nobody is not, or no longer, in the log$/m);
  expect(stdout).toContain("TASK_STATE_SUCCEEDED");
});

test("a watch by labels shows the tasks that bear them, until Ctrl-C", async () => {
  const before = await submitted(`url=http://${silent.address}/`, "--label", "batch=7");
  const watch = startCli([...system.server, "watch", "--label", "batch=7"]);
  await watch.until("stdout", before);
  const after = await submitted(`url=${article.url}`, "--label", "batch=7");
  await watch.until("stdout", "TASK_STATE_SUCCEEDED");
  watch.kill("SIGINT");
  const { code, stdout, stderr } = await watch.ended;
  expect({ code, stderr }).toEqual({ code: 130, stderr: "detached; the tasks go on\n" });
  expect(stdout).toContain(after);
  await millrace("cancel", before);
});

test("a watch of several tasks outlives its gateway, each going on where it was", async () => {
  await using own = await startUp({ MILLRACE_FETCH_ALLOW_HOSTS: silent.address });
  const cli = (...args: string[]) => runCli([...own.server, ...args]);
  const submit = ["submit", "web.summarize", `url=http://${silent.address}/`, "--id"];
  for (const taskId of ["a", "b"]) await cli(...submit, taskId);
  const watch = startCli([...own.server, "watch", "a", "b"]);
  await watch.until("stdout", '"workerId"');
  process.kill(own.facts.pids.gateway, "SIGKILL");
  await watch.until("stderr", "watching again");
  for (const taskId of ["b", "a"]) await cli("cancel", taskId);
  const ended = await watch.ended;
  expect(ended.code).toBe(5);
  for (const taskId of ["a", "b"]) {
    const alone = await cli("watch", taskId);
    const told = linesOf(ended).filter((event) => event.taskId === taskId);
    expect(told.map(({ sequence }) => sequence)).toEqual(
      linesOf(alone).map(({ sequence }) => sequence),
    );
  }
});

test("a watch without tasks, and --after with several, are usage errors", async () => {
  expect(await millrace("watch")).toMatchObject({
    code: 2,
    stderr: "error: name the tasks to watch, or --label\n",
  });
  expect(await millrace("watch", "a", "b", "--after", "7")).toMatchObject({ code: 2, stdout: "" });
});

test("dead letters are listed for people and for programs, filtered, and counted before they start again", async () => {
  const mark = ["--label", "sweep=1"];
  const [first, second] = [await failed(...mark), await failed(...mark)];
  const table = await millrace("dead-letters", ...mark);
  expect(table.stdout).toMatch(/^task +failed +queue +type +error\n/);
  expect(table.stdout).toContain(`web.summarize`);
  const { code } = linesOf(await millrace("dead-letters", ...mark, "--json"))[0].error;
  const filter = ["--type", "web.summarize", "--code", code, "--since", "1h", "--queue", "default"];
  const found = await millrace("dead-letters", ...mark, ...filter, "--json");
  expect(linesOf(found).map(({ id }) => id)).toEqual([first, second]);
  const none = await millrace("dead-letters", ...mark, "--type", "nobody.Knows");
  expect(none).toEqual({ code: 0, stdout: "no dead letters\n", stderr: "" });
  const one = await millrace("dead-letters", ...mark, "--limit", "1");
  expect(one.stdout).not.toContain(second);
  expect(one.stderr).toBe("there are more than 1; see --limit\n");

  expect(await millrace("redrive", ...mark)).toMatchObject({ code: 2, stdout: "" });
  expect((await millrace("redrive", ...mark, "--preview")).stdout).toBe(
    "2 dead letters would start again\n",
  );
  const redriven = await millrace("redrive", ...mark, "--limit", "1", "--yes", "--by", "ann");
  expect(redriven).toMatchObject({
    code: 0,
    stdout: "1 of 1 start again; there are more, see --limit\n",
  });
  await millrace("watch", first);
  expect(linesOf(await millrace("get", first, "--json"))[0]).toMatchObject({
    restarts: 1,
    restartedBy: "ann",
  });
});

test.runIf(hasTerminals).each([
  { how: "Ctrl-C", keys: "\x03", code: 130 },
  { how: "n", keys: "n\r", code: 0 },
])("a redrive that is answered with $how starts nothing", async ({ keys, code }) => {
  const mark = ["--label", `answer=${code}`];
  await failed(...mark);
  await using redrive = startCliOnTerminal([...system.server, "redrive", ...mark]);
  await redrive.until("stdout", "[y/N] ");
  redrive.press(keys);
  expect(await redrive.ended).toMatchObject({ code });
  const { stdout } = await millrace("redrive", ...mark, "--preview");
  expect(stdout).toBe("1 dead letter would start again\n");
});

test("retry starts tasks again and says for each that it can't", async () => {
  const [bad, good] = [await failed(), await submitted(`url=${article.url}`)];
  await millrace("watch", good);
  const { code, stdout, stderr } = await millrace("retry", good, bad, "nobody");
  expect(code).toBe(7);
  expect(stdout).toBe(`${bad} starts again\n`);
  expect(stderr).toContain(`error: task ${good} is finished: SUCCEEDED\n`);
  expect(stderr).toContain("error: task nobody is not, or no longer, in the log\n");
  expect(await millrace("watch", bad)).toMatchObject({ code: 1 });
  const [task] = linesOf(await millrace("get", bad, "--json"));
  expect(task).toMatchObject({ restarts: 1, restartedBy: userInfo().username });
});

test("delete removes what has ended, and nothing else", async () => {
  const bad = await failed();
  const running = await submitted(`url=http://${silent.address}/`);
  const { code, stdout, stderr } = await millrace("delete", bad, running, "nobody");
  expect(code).toBe(7);
  expect(stdout).toBe(`${bad} is deleted\nnobody is not there\n`);
  expect(stderr).toMatch(/^error: task \S+ has not ended: \S+\n$/);
  expect(await millrace("get", bad)).toMatchObject({ code: 3 });
  await millrace("cancel", running, "--by", "ann");
  expect(linesOf(await millrace("get", running, "--json"))[0]).toMatchObject({ canceledBy: "ann" });
});
