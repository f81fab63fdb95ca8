import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { anyPack, BoolValueSchema } from "@bufbuild/protobuf/wkt";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openTestBroker } from "#test/support/broker.ts";
import { HOSTILE } from "#test/support/hostile-worker/hostile.ts";
import { type Gateway, historyOf, System, typesKnown } from "#test/support/system.ts";
import { cliEnv, hasTerminals, runCli } from "./cli-process.ts";

const MANY = fileURLToPath(new URL("./many-commands.ts", import.meta.url));
const LABELS = { team: HOSTILE };
const BY = { reason: HOSTILE, requestedBy: HOSTILE };
/** It gives a program a terminal. */

let system: System;
let gateway: Gateway;

/** Tasks, a queue, a task type and a parked message whose texts all harm a terminal. */
beforeAll(async () => {
  system = await System.start({ MILLRACE_QUEUES: "default,slow" });
  gateway = await system.gateway();
  const { client, queues } = gateway;
  await system.worker({ MILLRACE_QUEUES: "default" }, "test/support/hostile-worker/main.ts");
  await typesKnown(gateway);
  const spec = (value: boolean, queue: string) => ({
    input: anyPack(BoolValueSchema, { $typeName: "google.protobuf.BoolValue", value }),
    labels: LABELS,
    queue,
  });
  await client.submitTask({ taskId: "good", spec: spec(false, "default") });
  await client.submitTask({ taskId: "bad", spec: spec(true, "default") });
  await client.submitTask({ taskId: "canceled", spec: spec(true, "slow") });
  await client.cancelTask({ taskId: "canceled", ...BY });
  await queues.pauseQueue({ queue: "slow", ...BY });
  await using broker = await openTestBroker(system.nats.url);
  const found = { subject: "mr.queue.default.p2.x", data: Buffer.from("?") };
  await broker.parked.add(found, HOSTILE.replaceAll(/[\r\n]/g, ""));
  for (const taskId of ["good", "bad"]) await historyOf(gateway, taskId);
});

afterAll(() => system[Symbol.asyncDispose]());

/** Fails where a text would command a terminal, or look like a line of ours; or where no hostile text was in it. */
function expectHarmless(text: string): void {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what it is about
  expect(text).not.toMatch(/[\u0007\u0080-\u009f\u2028-\u202e\u2066-\u2069]|\u001b\]|\u001b\[2J/);
  expect(text).not.toMatch(/(?:^|\r)FORGED/m);
  expect(text).toContain("\\u202e");
}

function commandsOf(commands: readonly (readonly string[])[]): string {
  return JSON.stringify(commands.map((words) => ["--server", gateway.address, ...words]));
}

function printedBy(file: string, args: readonly string[]): Promise<string> {
  return new Promise((resolve) => {
    const options = { env: cliEnv({ TERM: "xterm" }), timeout: 50_000 };
    execFile(file, args, options, (_error, stdout, stderr) => resolve(stdout + stderr));
  });
}

const COMMANDS = [
  ["types"],
  ["get", "good"],
  ["get", "bad"],
  ["get", "canceled"],
  ["dead-letters"],
  ["queues"],
  ["queues", "parked"],
  ["queues", "pause", "slow", "--reason", HOSTILE, "--by", HOSTILE],
  ["queues", "resume", HOSTILE],
  ["queues", "limits", HOSTILE, "--max-tasks", "1"],
  ["queues", "purge", HOSTILE, "--confirm", "1"],
  ["submit", HOSTILE, "value=true"],
  ["submit", "test.speak", `value=${HOSTILE}`],
  ["submit", "test.speak", `{${HOSTILE}`],
  ["submit", "test.speak", "value=true", "--queue", HOSTILE],
  ["submit", "--batch", HOSTILE],
  ["cancel", HOSTILE],
  ["retry", HOSTILE],
  ["delete", HOSTILE],
  ["watch", HOSTILE],
  ["redrive", "--preview", "--type", HOSTILE],
  [HOSTILE],
  ["help", HOSTILE],
  ["--server", HOSTILE, "types"],
];

test("no command prints a text of others that a terminal would obey", async () => {
  expectHarmless(await printedBy(process.execPath, [MANY, commandsOf(COMMANDS)]));
});

test.runIf(hasTerminals)("nor does one on a terminal, which it also draws on", async () => {
  const shown = [
    ["watch", "good"],
    ["watch", "bad"],
    ["watch", "good", "bad", "canceled"],
    ...COMMANDS.filter((words) => !words.includes(HOSTILE)),
  ];
  const inShell = `stty cols 60; ${process.execPath} ${MANY} '${commandsOf(shown)}'`;
  const printed = await printedBy("script", ["-qec", inShell, "/dev/null"]);
  expectHarmless(printed);
  expect(printed).toContain("succeeded");
});

test("what a batch is refused for is told without harm", async () => {
  const lines = [{ input: { "@type": HOSTILE } }, { [HOSTILE]: 1 }].map((line) =>
    JSON.stringify(line),
  );
  const args = ["--server", gateway.address, "submit", "--batch", "-"];
  expectHarmless((await runCli(args, lines.join("\n"))).stderr);
});

test("for programs, every text is exactly what it was", async () => {
  const commands = [["get", "bad"], ["get", "good"], ["types"]].map((words) => [
    "--json",
    ...words,
  ]);
  const printed = await printedBy(process.execPath, [MANY, commandsOf(commands)]);
  const [bad, good, types] = printed
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
  expect(bad).toMatchObject({
    spec: { labels: LABELS },
    progress: { note: HOSTILE },
    error: { message: HOSTILE },
  });
  expect(good).toMatchObject({ output: { value: { [HOSTILE]: HOSTILE } } });
  expect(types.taskTypes).toMatchObject([{ description: HOSTILE }]);
});
