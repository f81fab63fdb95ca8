import { create, toBinary } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import { type TaskEvent, TaskEventSchema, TaskState } from "#gen/millrace/v1/task_pb.ts";
import type { LogListener } from "#lib/broker/log/log-follower.ts";
import { Tail } from "#lib/broker/log/tail.ts";

const { QUEUED, RUNNING, SUCCEEDED } = TaskState;

/** A log that a tail listens to from its tenth event on; each event comes a second after the one before. */
function listening() {
  const log = { cursor: 10, listeners: new Set<LogListener>() };
  const hear = (listener: LogListener): Disposable => {
    log.listeners.add(listener);
    return { [Symbol.dispose]: () => log.listeners.delete(listener) };
  };
  const write = (subject: string, facet?: TaskEvent["facet"]) => {
    log.cursor += 1;
    const data = toBinary(TaskEventSchema, create(TaskEventSchema, facet ? { facet } : {}));
    const event = { subject, seq: log.cursor, time: new Date(log.cursor * 1_000), data };
    for (const listener of log.listeners) listener.onStored(event);
  };
  const tail = new Tail({
    get cursor() {
      return log.cursor;
    },
    hear,
  });
  return {
    log,
    tail,
    spec: (id: string) => write(`mr.task.${id}.spec`),
    progress: (id: string) => write(`mr.task.${id}.progress`),
    state: (id: string, state: TaskState) => {
      const value = create(TaskEventSchema, { facet: { case: "state", value: { state } } });
      write(`mr.task.${id}.state`, value.facet);
    },
  };
}

const ALL = Number.POSITIVE_INFINITY;

function idsOf(tail: Tail, step: "spec" | "state", bornMs = ALL): string[] {
  return tail.due(step, bornMs, 10).map(({ taskId, sequence }) => `${taskId} ${sequence}`);
}

test("only tasks that have neither gone on nor ended are due, by their newest step", () => {
  const { tail, spec, state, progress } = listening();
  for (const id of ["waits", "runs", "ended"]) spec(id);
  for (const id of ["runs", "ended"]) state(id, RUNNING);
  progress("runs");
  state("ended", SUCCEEDED);
  expect(idsOf(tail, "spec")).toEqual(["waits 11"]);
  expect(idsOf(tail, "state")).toEqual(["runs 14"]);
});

test("a step is due when it is old enough, whatever younger ones there are", () => {
  const { tail, spec } = listening();
  spec("first");
  spec("second");
  expect(idsOf(tail, "spec", 10_999)).toEqual([]);
  expect(idsOf(tail, "spec", 11_000)).toEqual(["first 11"]);
});

test("what was seen to is not due again before it goes on, and nothing before the oldest other is left", () => {
  const { tail, spec, state } = listening();
  for (const id of ["a", "b", "c"]) spec(id);
  state("b", QUEUED);
  expect(tail.release(tail.due("spec", 11_000, 10))).toBe(12);
  expect(tail.release(tail.due("state", ALL, 10))).toBe(12);
  expect(idsOf(tail, "spec")).toEqual(["c 13"]);
  expect(tail.release(tail.due("spec", ALL, 10))).toBe(14);
  state("a", RUNNING);
  expect(idsOf(tail, "state")).toEqual(["a 15"]);
});

test("of many that are due, the oldest come first, a few at a time", () => {
  const { tail, spec } = listening();
  for (const id of ["a", "b", "c"]) spec(id);
  const first = tail.due("spec", ALL, 2);
  expect(first.map(({ taskId }) => taskId)).toEqual(["a", "b"]);
  expect(tail.release(first)).toBe(12);
  expect(idsOf(tail, "spec")).toEqual(["c 13"]);
});

test("a task that goes on while it is seen to is due again", () => {
  const { tail, spec, state } = listening();
  spec("a");
  const due = tail.due("spec", ALL, 10);
  state("a", RUNNING);
  expect(tail.release(due)).toBe(11);
  expect(idsOf(tail, "state")).toEqual(["a 12"]);
});

test("a log that took the place of another is heard of from where that ends", () => {
  const { log, tail, spec } = listening();
  spec("old");
  log.cursor = 3;
  for (const listener of log.listeners) listener.onReset();
  expect(tail.after).toBe(3);
  expect(idsOf(tail, "spec")).toEqual([]);
  spec("new");
  expect(idsOf(tail, "spec")).toEqual(["new 4"]);
});

test("once disposed of, it hears nothing more", () => {
  const { log, tail } = listening();
  tail[Symbol.dispose]();
  expect(log.listeners.size).toBe(0);
});
