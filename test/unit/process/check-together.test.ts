import { expect, test } from "vitest";
import { loadSettings } from "#lib/process/load-settings.ts";

const load = (env: NodeJS.ProcessEnv, ...flags: string[]) =>
  loadSettings("worker", env, ["node", "worker", ...flags]);

test("a limit for a queue that the worker does not serve is refused, with those that it serves", () => {
  const env = { MILLRACE_QUEUES: "default,reports", MILLRACE_QUEUE_CONCURRENCY: "report=2" };
  expect(() => load(env)).toThrow(
    'MILLRACE_QUEUE_CONCURRENCY: this worker does not serve a queue "report"; its queues (MILLRACE_QUEUES) are: default, reports',
  );
});

test("what was given as a flag is named as the flag", () => {
  const limits = ["--queue-concurrency", "report=2"];
  expect(() => load({ MILLRACE_QUEUE_CONCURRENCY: "default=1" }, ...limits)).toThrow(
    '--queue-concurrency: this worker does not serve a queue "report"; its queues (MILLRACE_QUEUES) are: default',
  );
  expect(() => load({}, ...limits, "--queues", "reports")).toThrow("its queues (--queues) are");
});

test("limits for queues that it serves are taken", () => {
  const env = { MILLRACE_QUEUES: "default,reports", MILLRACE_QUEUE_CONCURRENCY: "reports=2" };
  expect(load(env).queueConcurrency).toEqual(new Map([["reports", 2]]));
  expect(load({}).queueConcurrency).toBeUndefined();
});
