import { expect, test } from "vitest";
import { TaskState } from "#gen/millrace/v1/task_pb.ts";
import { openTestBroker } from "#test/support/broker.ts";
import { startTestNats } from "#test/support/nats.ts";
import { findDeadLetters } from "../../../services/gateway/dead-letters.ts";
import { acceptTask, livedTask } from "./lived-task.ts";

test("a failure that is left of an earlier task does not make a dead letter of the one that has its id", async () => {
  await using nats = await startTestNats();
  await using broker = await openTestBroker(nats.url);
  const first = await livedTask(broker, "again", TaskState.FAILED);
  await livedTask(broker, "failed", TaskState.FAILED);
  // As when the broker drops what is as old as the history.
  await broker.log.removeEvents([first.specSequence]);
  await acceptTask(broker, "again");
  const { signal } = new AbortController();
  const looks = await Array.fromAsync(
    findDeadLetters(broker.scan, { filter: undefined, after: 0, signal }),
  );
  expect(looks.flatMap(({ tasks }) => tasks.map(({ id }) => id))).toEqual(["failed"]);
});
