import { expect, test } from "vitest";
import type { Progress } from "#gen/millrace/v1/task_pb.ts";
import { AttemptNotes } from "../../../services/worker/attempt-notes.ts";

function notes() {
  const written: string[] = [];
  const steps: Progress[] = [];
  const attempt = new AttemptNotes(1, (facet, before) => {
    written.push(`${facet.case}`);
    steps.push(...before, ...(facet.case === "progress" ? [facet.value] : []));
    return undefined;
  });
  return { attempt, written, steps };
}

test("the last reports are left for the outcome, after all else was written", async () => {
  const { attempt, written, steps } = notes();
  attempt.report({ current: 1 });
  attempt.flush();
  attempt.emit("piece");
  for (const current of [2, 3]) attempt.report({ current });
  attempt.keepReports();
  expect(await attempt.sent()).toBe(true);
  expect(written).toEqual(["progress", "output"]);
  expect(steps).toMatchObject([{ current: 1n }]);
  expect(attempt.takeReports()).toMatchObject([{ current: 2n }, { current: 3n }]);
  expect(attempt.takeReports()).toEqual([]);
});

test("reports that would make an outcome large are written before it", async () => {
  const { attempt, steps } = notes();
  const note = "x".repeat(4_000);
  for (const current of [1, 2]) attempt.report({ current, note });
  attempt.keepReports();
  await attempt.sent();
  expect(steps).toMatchObject([{ current: 1n, note }, { current: 2n }]);
  expect(attempt.takeReports()).toEqual([]);
});
