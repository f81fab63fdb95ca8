import { expect, test, vi } from "vitest";
import type { TaskEvent } from "#gen/millrace/v1/task_pb.ts";
import { BrokerAway } from "#lib/task/errors.ts";
import { AttemptNotes } from "../../../services/worker/attempt-notes.ts";

type Facet = TaskEvent["facet"];

function notes() {
  const written: Facet[] = [];
  const given = { away: false };
  const attempt = new AttemptNotes(1, (facet) => {
    if (given.away) throw new BrokerAway();
    written.push(facet);
  });
  return { attempt, written, given };
}

test("of many reports only the newest is written, and it is written before the outcome", () => {
  const { attempt, written } = notes();
  for (let step = 0; step <= 100; step += 1) attempt.report({ fraction: step / 100 });
  attempt.flush();
  expect(written).toMatchObject([{ case: "progress", value: { attempt: 1, fraction: 1 } }]);
});

test("a fraction stays between 0 and 1, whatever a handler says", () => {
  const { attempt, written } = notes();
  attempt.report({ fraction: 1.7 });
  attempt.flush();
  attempt.report({ fraction: -1 });
  attempt.flush();
  expect(written).toMatchObject([{ value: { fraction: 1 } }, { value: { fraction: 0 } }]);
});

test("pieces of output are put together in their order, and none is lost", () => {
  const { attempt, written } = notes();
  for (const piece of ["to ", "be ", Uint8Array.of(1, 2), "or"]) attempt.emit(piece);
  attempt.emit("");
  attempt.flush();
  expect(written).toMatchObject([
    { case: "output", value: { content: { case: "text", value: "to be " } } },
    { case: "output", value: { content: { case: "data", value: Uint8Array.of(1, 2) } } },
    { case: "output", value: { content: { case: "text", value: "or" } } },
  ]);
});

test("a large piece does not wait", () => {
  const { attempt, written } = notes();
  attempt.emit("x".repeat(20_000));
  expect(written).toHaveLength(1);
});

test("what can't be written while the broker is away is written when it is back", async () => {
  const { attempt, written, given } = notes();
  using _ = attempt;
  given.away = true;
  attempt.emit("kept");
  attempt.report({ note: "kept too" });
  attempt.flush();
  expect(written).toEqual([]);
  given.away = false;
  await vi.waitFor(() => expect(written).toHaveLength(2));
});
