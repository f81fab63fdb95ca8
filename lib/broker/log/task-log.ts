import { type MsgRequest, PubHeaders, type StoredMsg } from "@nats-io/jetstream";
import { nuid } from "@nats-io/nats-core";
import type {
  Checkpoint,
  Progress,
  StateChange,
  Task,
  TaskEvent,
  TaskSpec,
} from "#gen/millrace/v1/task_pb.ts";
import { HistoryFull } from "#lib/task/errors.ts";
import { fold, foldNewest } from "#lib/task/fold.ts";
import { isGone } from "#lib/task/life.ts";
import { epochOf } from "#lib/task/state-change.ts";
import { ask, isOverLimit } from "../link/ask.ts";
import { discard } from "../link/discard.ts";
import { isWrongSequence } from "../link/is-wrong-sequence.ts";
import type { Connected, Link } from "../link/link.ts";
import { untilAnswered } from "../link/request.ts";
import type { Facet, Names } from "../names.ts";
import { decodeEvent, encodeEvent } from "./event-codec.ts";
import { ExtraRoom } from "./extra-room.ts";
import { readHistory } from "./history.ts";
import type { LogSpace } from "./log-space.ts";
import { fenceHeaders, type LogWrite, writeEvent } from "./log-write.ts";
import { allSequencesOf, removeEvents, sequencesOf } from "./remove-events.ts";

/** A task as the log's leader has it. */
export interface Standing {
  readonly task: Task;
  /** Its last state change; none = it was never started. */
  readonly last: StateChange | undefined;
  /** What the next append must find. */
  readonly fence: Fence;
}

export interface AppendOptions {
  /** To repeat an append whose answer was lost, give it the same id. */
  readonly appendId?: string;
  /** What the attempt has reported last, stored with its outcome: an event less. */
  readonly reports?: Progress[];
}

export type Appended = { kind: "stored"; sequence: number } | { kind: "conflict" };

/** What a writer knows of a task: it may write as long as that is still so. */
export interface Fence {
  readonly taskId: string;
  /** Sequence of the task's last state change; 0 = none. An attempt's is that of its own RUNNING. */
  readonly stateSequence: number;
  /**
   * Sequence of its spec. The first state change must find nothing else of the task: "no state" alone would also be true
   * of a task that was refused and forgotten.
   */
  readonly specSequence: number;
  /** The run that it writes for; see `epochOf`. */
  readonly epoch: number;
}

/** What was written of a task, from its spec to its end. */
export interface WrittenRun {
  readonly taskId: string;
  /** Undefined: it is gone already. */
  readonly specSequence: number | undefined;
  /** Of its last state change. */
  readonly endSequence: number;
  /** What it has besides its spec: facets to look into, or the sequences of all its events. */
  readonly rest: readonly Facet[] | { readonly sequences: readonly number[] };
}

const ALL_BUT_SPEC: readonly Facet[] = ["progress", "output", "log", "checkpoint", "state"];

/** Tells our own append from somebody else's when its answer was lost. */
const APPEND_ID = "Millrace-Append";
const MOST_LENT = 5;
/** What an event takes besides its subject and its data, about. */
const EVENT_BYTES = 128;

export interface TaskLogOptions {
  readonly link: Link;
  readonly space: LogSpace;
  readonly replicas: number;
}

/** The history of all tasks: the only place where their state is kept. */
export class TaskLog {
  readonly #link: Link;
  readonly #names: Names;
  readonly #replicas: number;
  readonly #space: LogSpace;
  readonly #extraRoom: ExtraRoom;

  constructor({ link, space, replicas }: TaskLogOptions) {
    this.#link = link;
    this.#space = space;
    this.#names = link.names;
    this.#replicas = replicas;
    this.#extraRoom = new ExtraRoom(link);
  }

  /**
   * Writes the spec of a new task; undefined if the id has one already. Throws HistoryFull already while there is room for
   * the state changes of other tasks.
   */
  async begin(taskId: string, spec: TaskSpec): Promise<Fence | undefined> {
    const subject = this.#names.eventSubject(taskId, "spec");
    const data = encodeEvent({ case: "spec", value: spec });
    if (!this.#space.takeForNew(subject.length + data.length + EVENT_BYTES)) throw historyFull();
    const written = await this.#compareAndSet({
      subject,
      data,
      expect: { lastSubjectSequence: 0 },
    });
    if (written.kind === "conflict") return undefined;
    const { sequence } = written;
    return { taskId, stateSequence: 0, specSequence: sequence, epoch: sequence };
  }

  /**
   * Moves the task on, if its last state change is still the expected one. This one rule fences stale attempts, decides
   * cancel against finish, and makes duplicate deliveries harmless. A log that is full takes it too: what can't end would
   * never leave.
   */
  async append(fence: Fence, change: StateChange, more?: AppendOptions): Promise<Appended> {
    const write = () => this.#append(fence, { ...change, epoch: BigInt(fence.epoch) }, more);
    for (let lent = 0; ; lent += 1) {
      try {
        return await (lent === 0 ? write() : this.#extraRoom.lend(write));
      } catch (error) {
        // What was lent may be gone by then: to others' writes, or because another process took it back.
        if (!(error instanceof HistoryFull) || lent === MOST_LENT) throw error;
      }
    }
  }

  /** The same for the state change that begins another run of a task that has ended. */
  beginRun(ended: Fence, change: StateChange): Promise<Appended> {
    return this.#append(ended, { ...change, epoch: 0n });
  }

  #append(
    fence: Fence,
    change: StateChange,
    { appendId, reports }: AppendOptions = {},
  ): Promise<Appended> {
    const subject = this.#names.eventSubject(fence.taskId, "state");
    const data = encodeEvent({ case: "state", value: change }, reports);
    return this.#compareAndSet(
      { subject, data, expect: expectationOf(fence, this.#names) },
      appendId,
    );
  }

  /**
   * Adds progress with the reports before it, output or a log line, where possible without waiting: an awaited answer is
   * most of a write's cost. The log refuses it, in silence, once the attempt is no longer the task's newest. The promise, if
   * there is one, resolves when it is stored or refused, and the task's next one must wait for that.
   */
  note(
    fence: Fence,
    facet: TaskEvent["facet"],
    reports: Progress[] = [],
  ): Promise<void> | undefined {
    if (facet.case === undefined) return undefined;
    const { taskId } = fence;
    const { nc } = this.#link.use();
    const note: LogWrite = {
      subject: this.#names.eventSubject(taskId, facet.case),
      data: encodeEvent(facet, reports),
      expect: whileNewest(fence, this.#names),
    };
    // A log of several replicas refuses a write while another one is under way that expects the same of the same subject.
    if (this.#replicas > 1) return this.#send(note);
    nc.publish(note.subject, note.data, { headers: fenceHeaders(note) });
    return undefined;
  }

  /**
   * Saves a checkpoint for the next attempt. A conflict says that the attempt is no longer the task's newest. To repeat
   * a write whose answer was lost, give it the same id.
   */
  saveCheckpoint(fence: Fence, checkpoint: Checkpoint, appendId?: string): Promise<Appended> {
    const subject = this.#names.eventSubject(fence.taskId, "checkpoint");
    const data = encodeEvent({ case: "checkpoint", value: checkpoint });
    return this.#compareAndSet(
      { subject, data, expect: whileNewest(fence, this.#names) },
      appendId,
    );
  }

  /** The last checkpoint of the task, if there is one. */
  async checkpoint({ taskId, specSequence }: Fence): Promise<Checkpoint | undefined> {
    const event = await this.#newestEvent(taskId, "checkpoint");
    if (event?.facet.case !== "checkpoint" || event.sequence < specSequence) return undefined;
    return event.facet.value;
  }

  /** The task as it stands, read from the leader; undefined if there is none. */
  async read(taskId: string): Promise<Standing | undefined> {
    // Before the spec: when the task is deleted meanwhile, its spec alone would say that it waits.
    const found = await this.#newestEvent(taskId, "state");
    const [head, spec, progress] = await Promise.all([
      this.#newest(this.#names.historySubject(taskId)),
      this.#newestEvent(taskId, "spec"),
      this.#newestEvent(taskId, "progress"),
    ]);
    // What is older is of a task that had the id before, and is being removed, or was not to its end.
    const state = found && spec && found.sequence > spec.sequence ? found : undefined;
    const task = foldNewest({ spec, state, progress });
    const last = state?.facet.case === "state" ? state.facet.value : undefined;
    if (!task || (last && isGone(last))) return undefined;
    const sequence = BigInt(Math.max(head?.seq ?? 0, Number(task.sequence)));
    const at = {
      stateSequence: Number(state?.sequence ?? 0),
      specSequence: Number(spec?.sequence ?? 0),
    };
    const fence = { taskId, ...at, epoch: epochOf(last, at) };
    return { task: { ...task, sequence }, last, fence };
  }

  /** The same task as it stands now; undefined if it is gone, also when another one has its id. */
  async readAgain({ fence }: Standing): Promise<Standing | undefined> {
    const now = await this.read(fence.taskId);
    return now?.fence.specSequence === fence.specSequence ? now : undefined;
  }

  /** Whether the task is there still, as the leader has it; not if another one has its id. */
  async has({ specSequence }: Fence): Promise<boolean> {
    return (await this.#stored({ seq: specSequence })) !== null;
  }

  /** A task that was just begun, as its spec alone says. Undefined: it is gone already. */
  async justBegun({ specSequence }: Fence): Promise<Task | undefined> {
    const stored = await this.#stored({ seq: specSequence });
    const event = stored ? decodeEvent(stored) : undefined;
    return event && fold([event]);
  }

  /** Whether the task is still where the fence has it. */
  async isNewest({ taskId, stateSequence }: Fence): Promise<boolean> {
    const newest = await this.#newest(this.#names.eventSubject(taskId, "state"));
    return (newest?.seq ?? 0) === stateSequence;
  }

  /** When the event was written, by the broker's clock; undefined if it is no longer in the log. */
  async writtenAt(sequence: bigint): Promise<Date | undefined> {
    const stored = await this.#stored({ seq: Number(sequence) });
    return stored?.time;
  }

  /** Every event of the task after the sequence, up to and including the head. */
  history(taskId: string, after: bigint, head: bigint): AsyncGenerator<TaskEvent> {
    return readHistory(this.#link.use(), taskId, { after: Number(after), head: Number(head) });
  }

  /**
   * Forgets what was written of a task that is gone, up to and including the sequence of its mark. The mark goes last: as
   * long as anything is left, it says that there is no such task.
   */
  async forget(taskId: string, sequence: number): Promise<void> {
    const spec = await this.#newest(this.#names.eventSubject(taskId, "spec"));
    const specSequence = spec && spec.seq < sequence ? spec.seq : undefined;
    const written = { taskId, specSequence, endSequence: sequence };
    // A replica that lags may not have the last of it, and once the mark has gone nobody would look for that.
    const rest =
      this.#replicas === 1
        ? ALL_BUT_SPEC
        : { sequences: await allSequencesOf(this.#link.use(), written) };
    await this.removeRuns([{ ...written, rest }]);
  }

  /**
   * Removes what was written of tasks up to their ends, or their marks. Their specs go first, and with them the tasks: a
   * spec without states would be one that waits.
   */
  async removeRuns(runs: readonly WrittenRun[]): Promise<void> {
    const connected = this.#link.use();
    const specs = runs.map((run) => run.specSequence).filter((seq) => seq !== undefined);
    // One server takes what one connection sends in its order, so that with the last one all are gone.
    if (this.#replicas === 1) await removeEvents(connected, specs);
    else await Promise.all(specs.map((seq) => discard(connected, this.#names.eventsStream, seq)));
    const found = await Promise.all(runs.map((run) => restOf(connected, run)));
    // Also of those whose ends had not come to the replica that was read. The ends go last.
    const ends = new Set(runs.map(({ endSequence }) => endSequence));
    await removeEvents(connected, [...found.flat().filter((seq) => !ends.has(seq)), ...ends]);
  }

  /** Removes single events, which nobody needs any more. */
  removeEvents(sequences: readonly number[]): Promise<void> {
    return removeEvents(this.#link.use(), sequences);
  }

  /** Forgets what is left of a task that is gone: whoever marked it may have died before that. No harm if nothing is. */
  async forgetGone(taskId: string): Promise<void> {
    const event = await this.#newestEvent(taskId, "state");
    if (event?.facet.case !== "state" || !isGone(event.facet.value)) return;
    await this.forget(taskId, Number(event.sequence));
  }

  async #newestEvent(taskId: string, facet: Facet): Promise<TaskEvent | undefined> {
    const stored = await this.#newest(this.#names.eventSubject(taskId, facet));
    return stored ? decodeEvent(stored) : undefined;
  }

  #newest(subject: string): Promise<StoredMsg | null> {
    return this.#stored({ last_by_subj: subject });
  }

  async #stored(query: MsgRequest): Promise<StoredMsg | null> {
    const { jsm, lost } = this.#link.use();
    return ask(jsm.streams.getMessage(this.#names.eventsStream, query), lost);
  }

  /** Repeats the note until it is stored, or refused as stale; the log knows a repeat by its id. */
  async #send(note: LogWrite): Promise<void> {
    const msgID = nuid.next();
    const write = async () => {
      try {
        await writeEvent(this.#link, note, [PubHeaders.MsgIdHdr, msgID]);
      } catch (error) {
        if (!isWrongSequence(error)) throw isOverLimit(error) ? historyFull(error) : error;
      }
    };
    await untilAnswered(this.#link, write);
  }

  async #compareAndSet(write: LogWrite, appendId: string = nuid.next()): Promise<Appended> {
    try {
      const { seq } = await writeEvent(this.#link, write, [APPEND_ID, appendId]);
      return { kind: "stored", sequence: seq };
    } catch (error) {
      if (!isWrongSequence(error)) throw isOverLimit(error) ? historyFull(error) : error;
    }
    const newest = await this.#newest(write.subject);
    if (newest?.header.get(APPEND_ID) !== appendId) return { kind: "conflict" };
    return { kind: "stored", sequence: newest.seq };
  }
}

function expectationOf(
  { taskId, stateSequence, specSequence }: Fence,
  names: Names,
): LogWrite["expect"] {
  if (stateSequence > 0) return { lastSubjectSequence: stateSequence };
  return {
    lastSubjectSequence: specSequence,
    lastSubjectSequenceSubject: names.anyEventSubject(taskId),
  };
}

/** Of what an attempt says: nothing once it is no longer the task's newest. */
function whileNewest({ taskId, stateSequence }: Fence, names: Names): LogWrite["expect"] {
  return {
    lastSubjectSequence: stateSequence,
    lastSubjectSequenceSubject: names.eventSubject(taskId, "state"),
  };
}

function historyFull(cause?: unknown): HistoryFull {
  return new HistoryFull(cause === undefined ? {} : { cause });
}

/** Sequences of what it has besides its spec, up to its end. */
async function restOf(
  connected: Connected,
  { taskId, endSequence, rest }: WrittenRun,
): Promise<readonly number[]> {
  if ("sequences" in rest) return rest.sequences;
  const found = rest.map((facet) =>
    sequencesOf(connected, connected.names.eventSubject(taskId, facet), endSequence),
  );
  return (await Promise.all(found)).flat();
}
