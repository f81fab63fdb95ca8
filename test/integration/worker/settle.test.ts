import { create } from "@bufbuild/protobuf";
import { anyPack, EmptySchema } from "@bufbuild/protobuf/wkt";
import { expect, test } from "vitest";
import { TaskState } from "#gen/millrace/v1/task_pb.ts";
import { takeNext } from "#lib/broker/queues/pull.ts";
import { after } from "#lib/task/state-change.ts";
import { beginningBy } from "#test/support/beginning.ts";
import { openTestBroker, QUIET, queueSource } from "#test/support/broker.ts";
import { atNextCall } from "#test/support/interleaving.ts";
import { startTestNats } from "#test/support/nats.ts";
import { begun, standingOf } from "#test/support/steps.ts";
import { until } from "#test/support/until.ts";
import { AttemptNotes } from "../../../services/worker/attempt-notes.ts";
import { beginAttempt } from "../../../services/worker/begin-attempt.ts";
import { Lease } from "../../../services/worker/lease.ts";
import { settle } from "../../../services/worker/settle.ts";

test("a task whose outcome the log does not take has failed for that, and is let go of", async () => {
  await using nats = await startTestNats();
  await using broker = await openTestBroker(nats.url);
  await broker.queues.enqueue(await begun(broker, "t"));
  const source = queueSource("default", "p2");
  const [delivery] = await takeNext(broker.link.use(), [source], AbortSignal.timeout(30_000));
  if (!delivery?.waiting) return expect.unreachable();
  const lease = new Lease(delivery);
  const attempt = await beginAttempt(lease, delivery.waiting, beginningBy("w", broker));
  if (!attempt) return expect.unreachable();
  const output = anyPack(EmptySchema, create(EmptySchema));
  const succeeded = after(attempt.running, { state: TaskState.SUCCEEDED, output });
  // As the client says it of a message above the broker's limit.
  const refused = () => Promise.reject(new Error("'payload' max_payload size exceeded"));
  atNextCall(broker.log, "append", { before: refused });

  const notes = new AttemptNotes(1, () => {});
  await settle({ broker, lease, begun: attempt, notes, log: QUIET }, succeeded);
  const { last } = await standingOf(broker, "t");
  expect(last).toMatchObject({ state: TaskState.FAILED, error: { code: "OUTCOME_NOT_STORED" } });
  await until(async () => (await broker.queues.depth("default")).inFlight === 0);
});
