import { userInfo } from "node:os";
import { expect } from "vitest";
import { openTestBroker } from "#test/support/broker.ts";
import { QUEUE, queueOf, submitMany } from "#test/support/queues.ts";
import { testOnSharedSystem } from "#test/support/shared-system.ts";
import { historyOf, scriptOf, typesKnown } from "#test/support/system.ts";
import { until } from "#test/support/until.ts";
import { type Ended, runCli, startCli } from "./cli-process.ts";

/** One for each test that leaves something in it or sets something about it. */
const QUEUES = ["default", "limited", "listed", "paused", "purged", "watched"];
const MILLRACE_QUEUES = QUEUES.join();

/** A gateway that knows the scripted task type, and nobody who runs it; and the command, at that gateway. */
const test = testOnSharedSystem({ MILLRACE_QUEUES })
  .extend("lonely", { scope: "file" }, async ({ system }) => {
    const [gateway, worker] = await Promise.all([system.gateway(), system.worker()]);
    await typesKnown(gateway);
    await worker[Symbol.asyncDispose]();
    return gateway;
  })
  .extend("queues", { scope: "file" }, ({ lonely }) => {
    const server = ["--server", lonely.address, "queues"];
    return (...args: string[]): Promise<Ended> => runCli([...server, ...args]);
  });

/** The row of the queue in the table. */
function rowOf(queue: string, stdout: string): string | undefined {
  return stdout.split("\n").find((row) => row.startsWith(`${queue} `));
}

test("queues shows what waits, for people and for programs", async ({ lonely, queues }) => {
  await submitMany(lonely, 3, {}, "listed");
  const { code, stdout } = await queues();
  expect(code).toBe(0);
  const [titles] = stdout.split("\n");
  expect(titles).toMatch(/^queue +state +waiting +oldest +in flight +in\/s .* max tasks +bytes$/);
  expect(rowOf("listed", stdout)).toMatch(/^listed +open +3 +\d.* s +0 .* 1000000 +\d+ B$/);
  const json = JSON.parse((await queues("--json")).stdout);
  expect(json.queues.map(({ name }: { name: string }) => name)).toEqual(QUEUES);
  expect(json.queues).toContainEqual(expect.objectContaining({ name: "listed", waiting: "3" }));
});

test("queues --watch is not taken for a change of a queue", async ({ lonely }) => {
  const change = ["queues", "--watch", "pause", "paused"];
  expect(await runCli(["--server", lonely.address, ...change])).toMatchObject({
    code: 2,
    stderr: "error: --watch does not go with 'pause'\n",
  });
});

test("queues --watch shows them again and again, until Ctrl-C", async ({ lonely }) => {
  const watch = startCli(["--server", lonely.address, "queues", "--watch", "--json"]);
  await watch.until("stdout", "\n");
  await submitMany(lonely, 1, {}, "watched");
  await watch.until("stdout", '"waiting":"1"');
  watch.kill("SIGINT");
  expect((await watch.ended).code).toBe(130);
});

test("a queue is paused with a reason and who asked, and resumed", async ({ queues }) => {
  const paused = await queues("pause", "paused", "--reason", "maintenance", "--by", "ada");
  expect(paused).toMatchObject({ code: 0, stderr: "" });
  expect(paused.stdout).toBe("paused: up to 1000000 tasks, paused by ada: maintenance\n");
  expect((await queues()).stdout).toMatch(/\npaused is paused for \S+ s by ada: maintenance\n$/);
  const again = JSON.parse((await queues("pause", "paused", "--json")).stdout);
  expect(again.pause.requestedBy).toBe(userInfo().username);
  expect((await queues("resume", "paused")).stdout).toMatch(/, not paused\n$/);
});

test("limits are set in units that people use, and given back to the configuration by 0", async ({
  queues,
}) => {
  const set = await queues("limits", "limited", "--max-tasks", "20", "--max-bytes", "64MiB");
  expect(set.stdout).toBe("limited: up to 20 tasks and 64 MiB, not paused\n");
  const unset = await queues("limits", "limited", "--max-tasks", "0");
  expect(unset.stdout).toBe("limited: up to 1000000 tasks and 64 MiB, not paused\n");
});

test("a purge needs the count, and cancels no more than that", async ({ lonely, queues }) => {
  await submitMany(lonely, 5, {}, "purged");
  expect(await queues("purge", "purged")).toEqual({
    code: 2,
    stdout: "",
    stderr: "error: tasks waiting in purged: 5; say --confirm 5\n",
  });
  expect(await queues("purge", "purged", "--confirm", "4")).toEqual({
    code: 7,
    stdout: "",
    stderr: "error: tasks waiting in the queue purged: 5; confirmed: 4\n",
  });
  expect(await queues("purge", "purged", "--confirm", "5", "--reason", "obsolete")).toEqual({
    code: 0,
    stdout: "tasks canceled in purged: 5\n",
    stderr: "",
  });
  const { task } = await lonely.client.getTask({ taskId: "purged-1" });
  expect(task).toMatchObject({ cancelReason: "obsolete", canceledBy: userInfo().username });
  expect(await queues("purge", "purged")).toMatchObject({
    code: 7,
    stderr: "error: no task waits in purged\n",
  });
});

test("what is parked is listed and deleted", async ({ system, queues }) => {
  expect((await queues("parked")).stdout).toBe("nothing is parked\n");
  await using broker = await openTestBroker(system.nats.url);
  for (const name of ["a", "b"]) {
    await broker.parked.add(
      { subject: `mr.queue.default.p2.${name}`, data: Buffer.from("?") },
      "no task",
    );
  }
  const { stdout } = await queues("parked");
  expect(stdout).toMatch(/^sequence +put aside +found at +size +why\n/);
  expect(stdout).toMatch(/\n +1 +20\S+Z +mr\.queue\.default\.p2\.a +1 B +no task\n/);
  const after = JSON.parse((await queues("parked", "--after", "1", "--json")).stdout);
  expect(after).toMatchObject({ total: "2", messages: [{ sequence: "2", data: "Pw==" }] });
  expect((await queues("parked", "--delete", "1", "2", "3")).stdout).toBe("2 deleted\n");
  expect((await queues("parked")).stdout).toBe("nothing is parked\n");
});

test("a queue that was dropped from the configuration is shown while tasks lie in it, and can be purged", async ({
  system,
  lonely,
  queues,
}) => {
  const before = await system.gateway({ MILLRACE_QUEUES: `${MILLRACE_QUEUES},old,empty` });
  await typesKnown(before);
  await before.client.submitTask({ taskId: "left", spec: { input: scriptOf({}), queue: "old" } });
  await before[Symbol.asyncDispose]();

  const { stdout } = await queues();
  expect(rowOf("default", stdout)).toMatch(/^default +open +0 /);
  expect(rowOf("old", stdout)).toMatch(/^old +not served +1 /);
  expect(rowOf("empty", stdout)).toBeUndefined();
  expect(stdout).toMatch(/\nold is not served: .*\n$/);
  expect(stdout).toContain(
    "add it to MILLRACE_QUEUES again, or cancel them: millrace queues purge old",
  );
  expect(await queues("purge", "old", "--confirm", "1")).toMatchObject({
    stdout: "tasks canceled in old: 1\n",
  });
  const left = await lonely.queues.listQueues({});
  expect(left.queues.map(({ name }) => name)).toEqual(QUEUES);
});

test("wrong words are told apart from wrong queues", async ({ lonely, queues }) => {
  expect(await queues("pause", "fast")).toEqual({
    code: 3,
    stdout: "",
    stderr: `error: there is no queue "fast"; there are: ${QUEUES.join(", ")}\n`,
  });
  for (const args of [["pause"], ["limits", QUEUE], ["limits", QUEUE, "--max-bytes", "many"]]) {
    expect(await queues(...args)).toMatchObject({ code: 2, stdout: "" });
  }
  expect(await queues("pauze", QUEUE)).toEqual({
    code: 2,
    stdout: "",
    stderr: "error: unknown command 'pauze' (did you mean \"pause\"?)\n",
  });
  const small = await queues("limits", QUEUE, "--max-bytes", "1KiB");
  expect(small).toMatchObject({
    code: 2,
    stderr: "error: max_bytes: must be 0, or at least 1 MiB (1048576)\n",
  });
  expect(await queues("purge", "fast")).toMatchObject({ code: 3 });
  expect(await queues("parked", "--delete", "x")).toMatchObject({ code: 2 });
  await until(async () => (await queueOf(lonely))?.pause === undefined);
});

test("dead letters of a queue that there is not are refused, unless it has some", async ({
  system,
  lonely,
}) => {
  const millrace = (...args: string[]) => runCli(["--server", lonely.address, ...args]);
  const unknown = {
    code: 3,
    stdout: "",
    stderr: `error: there is no queue "nope"; there are: ${QUEUES.join(", ")}\n`,
  };
  const mistyped = ["--queue", "nope"];
  expect(await millrace("dead-letters", ...mistyped)).toEqual(unknown);
  expect(await millrace("redrive", ...mistyped, "--preview")).toEqual(unknown);
  expect(await millrace("redrive", ...mistyped, "--yes")).toEqual(unknown);
  expect(await millrace("dead-letters", "--queue", "limited")).toMatchObject({ code: 0 });

  const dropped = { MILLRACE_QUEUES: "dropped" };
  await using gateway = await system.gateway(dropped);
  await using _worker = await system.worker(dropped);
  await typesKnown(gateway);
  const spec = { input: scriptOf({ permanent: "BAD" }), queue: "dropped" };
  await gateway.client.submitTask({ taskId: "dropped", spec });
  await historyOf(gateway, "dropped");
  const listed = await millrace("dead-letters", "--queue", "dropped");
  expect(listed.stdout).toContain("\ndropped ");
  const other = ["--queue", "dropped", "--code", "OTHER"];
  expect(await millrace("dead-letters", ...other)).toMatchObject({ code: 0 });
  expect(await millrace("redrive", ...other, "--preview")).toMatchObject({ code: 0 });
});
