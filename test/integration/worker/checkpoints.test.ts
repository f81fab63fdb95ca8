import { create } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import { StateChangeSchema, TaskState } from "#gen/millrace/v1/task_pb.ts";
import { AttemptStopped } from "#lib/task/outcome.ts";
import { openTestBroker } from "#test/support/broker.ts";
import { startTestNats } from "#test/support/nats.ts";
import { until } from "#test/support/until.ts";
import { AttemptNotes } from "../../../services/worker/attempt-notes.ts";
import { checkpointSaver } from "../../../services/worker/checkpoints.ts";
import { Stops } from "../../../services/worker/stops.ts";

test("a handler that nobody waits for any more need not wait for the broker to save its checkpoint", async () => {
  await using nats = await startTestNats();
  await using broker = await openTestBroker(nats.url);
  using stops = new Stops();
  const begun = {
    running: create(StateChangeSchema, { state: TaskState.RUNNING, attempt: 1 }),
    fence: { taskId: "t", stateSequence: 1, specSequence: 1, epoch: 1 },
  };
  using notes = new AttemptNotes(1, () => undefined);
  await nats.kill("SIGKILL");
  await until(() => !broker.link.isUp);
  const saved = checkpointSaver(broker, begun, { stops, notes })({ page: 1 });
  stops.stop(new AttemptStopped("soft timeout", "come to an end"));
  stops.stop(new AttemptStopped("timed out", "the attempt is over"));
  await expect(saved).rejects.toThrow("the attempt is over");
});
