import { create } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import { TaskEventSchema } from "#gen/millrace/v1/task_pb.ts";
import { Semaphore } from "#lib/async/semaphore.ts";
import type { LogScan } from "#lib/broker/log/log-scan.ts";
import type { TaskLog } from "#lib/broker/log/task-log.ts";
import { ManyWatch } from "#lib/broker/watch/many-watch.ts";
import { Watchers } from "#lib/broker/watch/watchers.ts";

const LABELS = { order: "4711" };

test("a watch by labels that has come to more tasks than it may follow leaves no watcher behind", async () => {
  const watchers = new Watchers();
  // An empty log, which is not what this is about.
  const scan = { async *events() {} } as unknown as LogScan;
  const asking = new Semaphore(1);
  const parts = { watchers, scan, asking, log: {} as TaskLog, cursor: () => 0 };
  const many = new ManyWatch(parts, { tasks: [], labels: LABELS });
  const steps = many.steps();
  const first = steps.next();
  await expect.poll(() => watchers.wants("x", "spec")).toBe(true);
  let sequence = 0n;
  const submit = (taskId: string) => {
    sequence += 1n;
    const facet = { case: "spec", value: { labels: LABELS } } as const;
    watchers.handOut(create(TaskEventSchema, { taskId, sequence, facet }));
  };
  // Of one id all wait for the first of them, which nobody reads.
  for (let n = 1; n < 10_000; n += 1) submit("x");
  submit("y");
  submit("z");
  await first.catch(() => {});
  const next = steps.next();
  many[Symbol.dispose]();
  await next.catch((error) => expect(error).toMatchObject({ reason: "TOO_MANY_TASKS" }));
  await expect.poll(() => watchers.count).toBe(0);
});
