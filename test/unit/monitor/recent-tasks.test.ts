import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { describe, expect, test } from "vitest";
import { ProgressSchema, TaskState } from "#gen/millrace/v1/task_pb.ts";
import { at, MadeUpLog } from "./made-up-log.ts";

const { RUNNING, SUCCEEDED } = TaskState;

describe("recent tasks", () => {
  test("are the 20 that changed last, the newest first", () => {
    const log = new MadeUpLog();
    for (let number = 1; number <= 30; number += 1) log.accepted(number, `task-${number}`);
    log.started(31, "task-15");
    const recent = log.folded().recent.list(() => true);
    expect(recent).toHaveLength(20);
    expect(recent.slice(0, 3).map(({ id }) => id)).toEqual(["task-15", "task-30", "task-29"]);
  });

  test("say how they stand, without what came in and what went out", () => {
    const log = new MadeUpLog().accepted(0, "a", {
      input: { typeUrl: "type.googleapis.com/test.v1.Work", value: new Uint8Array(9) },
      queue: "mail",
    });
    log.started(1, "a", { startTime: timestampFromMs(at(1)) });
    log.add(2, "a", { case: "progress", value: { attempt: 1, fraction: 0.5, note: "half" } });
    log.succeeded(3, "a", {
      startTime: timestampFromMs(at(1)),
      output: { typeUrl: "type.googleapis.com/test.v1.Done", value: new Uint8Array(9) },
    });
    const [task] = log.folded().recent.list(() => true);
    expect(task).toMatchObject({
      id: "a",
      spec: { queue: "mail", input: { typeUrl: "type.googleapis.com/test.v1.Work" } },
      state: SUCCEEDED,
      attempt: 1,
      workerId: "worker-1",
      progress: { note: "half" },
      createTime: timestampFromMs(at(0)),
      startTime: timestampFromMs(at(1)),
      endTime: timestampFromMs(at(3)),
    });
    expect(task?.spec?.input?.value).toHaveLength(0);
    expect(task?.output).toBeUndefined();
  });

  test("show what an attempt reported last, with its outcome", () => {
    const log = new MadeUpLog().accepted(0, "a").started(1, "a");
    log.add(2, "a", { case: "progress", value: { attempt: 1, note: "half" } });
    log.succeeded(3, "a", {}, [create(ProgressSchema, { attempt: 1, note: "all" })]);
    const [task] = log.folded().recent.list(() => true);
    expect(task).toMatchObject({ state: SUCCEEDED, progress: { note: "all" } });
  });

  test("of a new attempt do not show the progress of the last one", () => {
    const log = new MadeUpLog().accepted(0, "a").started(1, "a");
    log.add(2, "a", { case: "progress", value: { attempt: 1, fraction: 0.9 } });
    log.started(3, "a", { attempt: 2, crashes: 1 });
    const [task] = log.folded().recent.list(() => true);
    expect(task).toMatchObject({ state: RUNNING, attempt: 2 });
    expect(task?.progress).toBeUndefined();
  });

  test("do not name a type that may not be named", () => {
    const [task] = new MadeUpLog()
      .accepted(0, "a")
      .folded()
      .recent.list(() => false);
    expect(task?.spec?.input).toBeUndefined();
  });
});
