import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { describe, expect, test } from "vitest";
import {
  ProgressSchema,
  type StateChangeSchema,
  type TaskEvent,
  TaskEventSchema,
  TaskState,
} from "#gen/millrace/v1/task_pb.ts";
import { changed, fold, foldNewest } from "#lib/task/fold.ts";

type Facet = MessageInitShape<typeof TaskEventSchema>["facet"];

/** Events of one task, a second apart, with the sequences 1, 2, 3 … */
function history(...facets: Facet[]): TaskEvent[] {
  return facets.map((facet, index) =>
    create(TaskEventSchema, {
      taskId: "t1",
      sequence: BigInt(index + 1),
      time: timestampFromMs(1_000 * (index + 1)),
      ...(facet && { facet }),
    }),
  );
}

const spec: Facet = { case: "spec", value: { queue: "default" } };

function state(value: MessageInitShape<typeof StateChangeSchema>): Facet {
  return { case: "state", value };
}

function progress(attempt: number, fraction: number): Facet {
  return { case: "progress", value: { attempt, fraction } };
}

describe("a task as its events leave it", () => {
  test("a spec alone is a task that waits in its queue", () => {
    expect(fold(history(spec))).toMatchObject({
      id: "t1",
      state: TaskState.QUEUED,
      spec: { queue: "default" },
      createTime: { seconds: 1n },
      sequence: 1n,
    });
  });

  test("a change that was just written is told without the time of its event", () => {
    const events = history(spec, state({ state: TaskState.CANCELED, canceledBy: "ada" }));
    const before = fold(events.slice(0, 1)) ?? expect.unreachable();
    const { facet } = events[1] ?? expect.unreachable();
    if (facet.case !== "state") return expect.unreachable();
    const { endTime, ...after } = fold(events) ?? expect.unreachable();
    expect(endTime).toBeDefined();
    expect(changed(before, facet.value, 2n)).toEqual(after);
  });

  test("without its spec there is no task", () => {
    expect(fold([])).toBeUndefined();
    expect(fold(history(state({ state: TaskState.RUNNING })))).toBeUndefined();
  });

  test("the last state change says all, and the terminal one when it ended", () => {
    const error = { code: "X", message: "x" };
    const startTime = timestampFromMs(5);
    const task = fold(
      history(
        spec,
        state({ state: TaskState.RUNNING, attempt: 1, workerId: "w1", startTime }),
        state({
          state: TaskState.RETRYING,
          attempt: 1,
          failures: 1,
          error,
          startTime,
          nextAttemptTime: timestampFromMs(9),
        }),
        state({ state: TaskState.RUNNING, attempt: 2, failures: 1, error, startTime }),
        state({
          state: TaskState.SUCCEEDED,
          attempt: 2,
          failures: 1,
          error,
          startTime,
          output: { typeUrl: "x/y" },
        }),
      ),
    );
    expect(task).toMatchObject({
      state: TaskState.SUCCEEDED,
      attempt: 2,
      failures: 1,
      error,
      output: { typeUrl: "x/y" },
      startTime,
      endTime: { seconds: 5n },
      sequence: 5n,
    });
    expect(task?.nextAttemptTime).toBeUndefined();
  });

  test("progress is that of the newest attempt", () => {
    const running = (attempt: number) => state({ state: TaskState.RUNNING, attempt });
    expect(fold(history(spec, running(1), progress(1, 0.5)))?.progress?.fraction).toBe(0.5);
    expect(fold(history(spec, running(1), progress(1, 0.5), running(2)))?.progress).toBeUndefined();
    expect(fold(history(spec, running(2), progress(1, 0.9)))?.progress).toBeUndefined();
  });

  test("what an attempt reported last may come with its outcome", () => {
    const running = state({ state: TaskState.RUNNING, attempt: 1 });
    const done = state({ state: TaskState.SUCCEEDED, attempt: 1 });
    const events = history(spec, running, progress(1, 0.5), done);
    const reports = [0.7, 1].map((fraction) => create(ProgressSchema, { attempt: 1, fraction }));
    const [accepted, , said, end] = events;
    const told = { ...(end ?? expect.unreachable()), reports };
    expect(fold([...events.slice(0, 3), told])?.progress?.fraction).toBe(1);
    expect(foldNewest({ spec: accepted, state: told, progress: said })?.progress?.fraction).toBe(1);
    expect(foldNewest({ spec: accepted, state: end, progress: said })?.progress?.fraction).toBe(
      0.5,
    );
  });

  test("a task that was started again has not progressed, whatever an attempt said before", () => {
    const failed = state({ state: TaskState.FAILED, attempt: 1 });
    const restarted = state({ state: TaskState.QUEUED, attempt: 1, restarts: 1 });
    const running = state({ state: TaskState.RUNNING, attempt: 1 });
    const events = history(spec, running, progress(1, 0.9), failed, restarted);
    const [accepted, , said, , again] = events;
    const task = fold(events);
    expect(task?.progress).toBeUndefined();
    expect(foldNewest({ spec: accepted, state: again, progress: said })).toEqual(task);
  });

  test("what is older than its spec was of a task that had its id before", () => {
    const running = state({ state: TaskState.RUNNING, attempt: 1 });
    const [old, said, accepted] = history(running, progress(1, 0.9), spec);
    expect(foldNewest({ spec: accepted, state: old, progress: said })).toEqual(
      fold([accepted ?? expect.unreachable()]),
    );
    expect(foldNewest({ spec: undefined, state: old, progress: said })).toBeUndefined();
  });

  test("progress stays with the task when its attempt ends", () => {
    const running = state({ state: TaskState.RUNNING, attempt: 1 });
    const done = state({ state: TaskState.SUCCEEDED, attempt: 1 });
    expect(fold(history(spec, running, progress(1, 1), done))?.progress?.fraction).toBe(1);
  });

  test("output and log lines move the version on and nothing else", () => {
    const task = fold(
      history(
        spec,
        state({ state: TaskState.RUNNING, attempt: 1 }),
        { case: "output", value: { attempt: 1, content: { case: "text", value: "hi" } } },
        { case: "log", value: { attempt: 1, message: "hello" } },
      ),
    );
    expect(task).toMatchObject({ state: TaskState.RUNNING, sequence: 4n });
  });

  test("events that were stored without a time make a task without times", () => {
    const events = history(spec, state({ state: TaskState.CANCELED })).map(
      ({ time: _, ...event }) => create(TaskEventSchema, event),
    );
    const task = fold(events);
    expect(task?.createTime).toBeUndefined();
    expect(task?.endTime).toBeUndefined();
  });
});
