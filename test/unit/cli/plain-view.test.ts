import { create } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import { PlainView } from "#cli/watch/plain-view.ts";
import { ProgressSchema, TaskEventSchema, TaskState } from "#gen/millrace/v1/task_pb.ts";

test("what an attempt reported last is told before its end, also where both came in one event", () => {
  const lines: unknown[] = [];
  using view = new PlainView((line) => lines.push(line));
  const reports = ["reading", "writing"].map((note, done) =>
    create(ProgressSchema, { attempt: 1, fraction: done / 2, note }),
  );
  const ended = { state: TaskState.SUCCEEDED, attempt: 1 };
  view.event(create(TaskEventSchema, { facet: { case: "state", value: ended }, reports }));
  expect(lines.slice(0, 2)).toEqual(["  0 %  reading", " 50 %  writing"]);
  expect(lines).toHaveLength(3);
});
