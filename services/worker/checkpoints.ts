import { randomUUID } from "node:crypto";
import type { JsonValue } from "@bufbuild/protobuf";
import type { Checkpoint, StateChange } from "#gen/millrace/v1/task_pb.ts";
import type { Broker } from "#lib/broker/broker.ts";
import { untilAnswered } from "#lib/broker/link/request.ts";
import type { Fence } from "#lib/broker/log/task-log.ts";
import { AttemptStopped } from "#lib/task/outcome.ts";
import type { AttemptNotes } from "./attempt-notes.ts";
import type { Begun } from "./begin-attempt.ts";
import { checkpointOf } from "./checkpoint-of.ts";
import type { Stops } from "./stops.ts";

/** What an earlier attempt has saved; a first one has none before it. */
export async function lastCheckpoint(
  broker: Broker,
  fence: Fence,
  { attempt }: StateChange,
): Promise<Checkpoint | undefined> {
  if (attempt === 1) return undefined;
  return await untilAnswered(broker.link, () => broker.log.checkpoint(fence));
}

/** How long a checkpoint waits for what was said before it to be stored. */
const NOTES_MS = 4_000;

interface Saving {
  readonly stops: Stops;
  readonly notes: Pick<AttemptNotes, "sent">;
}

/** Saves checkpoints of an attempt. One that the task has gone on without is stopped, and told by an error. */
export function checkpointSaver(
  broker: Broker,
  { running, fence }: Pick<Begun, "running" | "fence">,
  { stops, notes }: Saving,
) {
  return async (state: JsonValue): Promise<void> => {
    const checkpoint = checkpointOf(running.attempt, state);
    await notes.sent(NOTES_MS);
    const id = randomUUID();
    const write = () => broker.log.saveCheckpoint(fence, checkpoint, id);
    // A handler that was given up would else hang here for as long as the broker is away.
    const saved = await untilAnswered(broker.link, write, stops.end);
    if (saved.kind === "stored") return;
    const stale = new AttemptStopped("canceled", "the task went on without this attempt");
    stops.stop(stale);
    throw stale;
  };
}
