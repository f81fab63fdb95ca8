import { expect, test } from "vitest";
import { inTurns } from "../../../services/gateway/in-turns.ts";

/** A turn that is lost to others so often. */
function lost(times: number) {
  let turns = 0;
  return async () => {
    turns += 1;
    return turns > times ? `turn ${turns}` : undefined;
  };
}

test("a turn that is lost to others is taken again, also where the answer is no", async () => {
  expect(await inTurns("t", lost(98))).toBe("turn 99");
  expect(await inTurns("t", async () => false)).toBe(false);
});

test("one that is never won says that the task can't be read", async () => {
  await expect(inTurns("t", lost(1_000))).rejects.toMatchObject({
    reason: "TASK_UNREADABLE",
    message: "what the log has of task t can't be read",
    facts: { task_id: "t" },
  });
});
