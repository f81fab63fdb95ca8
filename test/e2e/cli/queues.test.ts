import { userInfo } from "node:os";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openTestBroker } from "#test/support/broker.ts";
import { QUEUE, queueOf, submitMany } from "#test/support/queues.ts";
import { type Gateway, System, scriptOf, typesKnown } from "#test/support/system.ts";
import { until } from "#test/support/until.ts";
import { type Ended, runCli, startCli } from "./cli-process.ts";

let system: System;
let gateway: Gateway;

/** A gateway that knows the scripted task type, and nobody who runs it. */
beforeEach(async () => {
  system = await System.start();
  gateway = await system.gateway();
  const worker = await system.worker();
  await typesKnown(gateway);
  await worker[Symbol.asyncDispose]();
});

afterEach(() => system[Symbol.asyncDispose]());

function queues(...args: string[]): Promise<Ended> {
  return runCli(["--server", gateway.address, "queues", ...args]);
}

test("queues shows what waits, for people and for programs", async () => {
  await submitMany(gateway, 3);
  const { code, stdout } = await queues();
  expect(code).toBe(0);
  const [titles, row] = stdout.split("\n");
  expect(titles).toMatch(/^queue +state +waiting +oldest +in flight +in\/s .* max tasks +bytes$/);
  expect(row).toMatch(/^default +open +3 +\d.* s +0 .* 1000000 .* of 512 MiB$/);
  const json = JSON.parse((await queues("--json")).stdout);
  expect(json.queues).toMatchObject([{ name: "default", waiting: "3" }]);
});

test("queues --watch shows them again and again, until Ctrl-C", async () => {
  const watch = startCli(["--server", gateway.address, "queues", "--watch", "--json"]);
  await watch.until("stdout", "\n");
  await submitMany(gateway, 1);
  await watch.until("stdout", '"waiting":"1"');
  watch.kill("SIGINT");
  expect((await watch.ended).code).toBe(130);
});

test("a queue is paused with a reason and who asked, and resumed", async () => {
  const paused = await queues("pause", QUEUE, "--reason", "maintenance", "--by", "ada");
  expect(paused).toMatchObject({ code: 0, stderr: "" });
  expect(paused.stdout).toMatch(
    /^default: up to 1000000 tasks and 512 MiB, paused for \S+ s by ada: maintenance\n$/,
  );
  expect((await queues()).stdout).toMatch(/\ndefault is paused for \S+ s by ada: maintenance\n$/);
  const again = JSON.parse((await queues("pause", QUEUE, "--json")).stdout);
  expect(again.pause.requestedBy).toBe(userInfo().username);
  expect((await queues("resume", QUEUE)).stdout).toMatch(/, not paused\n$/);
});

test("limits are set in units that people use, and given back to the configuration by 0", async () => {
  const set = await queues("limits", QUEUE, "--max-tasks", "20", "--max-bytes", "64MiB");
  expect(set.stdout).toBe("default: up to 20 tasks and 64 MiB, not paused\n");
  const unset = await queues("limits", QUEUE, "--max-tasks", "0");
  expect(unset.stdout).toBe("default: up to 1000000 tasks and 64 MiB, not paused\n");
});

test("a purge needs the count, and cancels no more than that", async () => {
  await submitMany(gateway, 5);
  expect(await queues("purge", QUEUE)).toEqual({
    code: 2,
    stdout: "",
    stderr: "error: tasks waiting in default: 5; say --confirm 5\n",
  });
  expect(await queues("purge", QUEUE, "--confirm", "4")).toEqual({
    code: 7,
    stdout: "",
    stderr: "error: tasks waiting in the queue default: 5; confirmed: 4\n",
  });
  expect(await queues("purge", QUEUE, "--confirm", "5", "--reason", "obsolete")).toEqual({
    code: 0,
    stdout: "tasks canceled in default: 5\n",
    stderr: "",
  });
  const { task } = await gateway.client.getTask({ taskId: "default-1" });
  expect(task).toMatchObject({ cancelReason: "obsolete", canceledBy: userInfo().username });
  expect(await queues("purge", QUEUE)).toMatchObject({
    code: 7,
    stderr: "error: no task waits in default\n",
  });
});

test("what is parked is listed and deleted", async () => {
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

test("a queue that was dropped from the configuration is shown while tasks lie in it, and can be purged", async () => {
  const before = await system.gateway({ MILLRACE_QUEUES: "default,old,empty" });
  await typesKnown(before);
  await before.client.submitTask({ taskId: "left", spec: { input: scriptOf({}), queue: "old" } });
  await before[Symbol.asyncDispose]();

  const { stdout } = await queues();
  expect(stdout).toMatch(/\ndefault +open +0 .*\nold +not served +1 .*\nold is not served: .*\n$/);
  expect(stdout).toContain(
    "add it to MILLRACE_QUEUES again, or cancel them: millrace queues purge old",
  );
  expect(await queues("purge", "old", "--confirm", "1")).toMatchObject({
    stdout: "tasks canceled in old: 1\n",
  });
  const left = await gateway.queues.listQueues({});
  expect(left.queues.map(({ name }) => name)).toEqual(["default"]);
});

test("wrong words are told apart from wrong queues", async () => {
  expect(await queues("pause", "fast")).toEqual({
    code: 3,
    stdout: "",
    stderr: 'error: there is no queue "fast"; there are: default\n',
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
  await until(async () => (await queueOf(gateway))?.pause === undefined);
});
