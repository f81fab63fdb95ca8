import type { KV, KvEntry } from "@nats-io/kv";
import type { TaskType } from "#gen/millrace/v1/task_type_pb.ts";
import { pause } from "#lib/async/pause.ts";
import type { Announcement } from "#lib/task/announced-types.ts";
import { ask } from "../link/ask.ts";
import { isWrongSequence } from "../link/is-wrong-sequence.ts";
import { keepRunning } from "../link/keep-running.ts";
import type { BrokerLog, Connected, Link } from "../link/link.ts";
import { openConfigBucket } from "../topology/config-bucket.ts";
import { type BucketEntry, type BucketListener, followBucket } from "./follow-bucket.ts";
import {
  ALL_TASK_TYPES,
  isEntryOf,
  readTaskType,
  taskTypeEntry,
  taskTypeKey,
} from "./task-type-entry.ts";

/** How often a worker looks whether somebody has deleted what it announced. */
const LOOK_EVERY_MS = 5_000;
/** How often one of the workers of a release says that the type is still served. */
const TOUCH_EVERY_MS = 60_000;

interface AnnounceTimes {
  readonly lookEveryMs: number;
  readonly touchEveryMs: number;
}

const TIMES: AnnounceTimes = { lookEveryMs: LOOK_EVERY_MS, touchEveryMs: TOUCH_EVERY_MS };

/** The task types that workers have announced. They stay known for a while when the workers are gone. */
export class TaskTypeBook {
  readonly #link: Link;
  readonly #log: BrokerLog;
  readonly #replicas: number;

  constructor(link: Link, log: BrokerLog, replicas: number) {
    this.#link = link;
    this.#log = log;
    this.#replicas = replicas;
  }

  /** Announces the task types, and sees to it that they stay announced, until the signal aborts. */
  announce(types: readonly TaskType[], signal: AbortSignal, times = TIMES): Promise<void> {
    return keepRunning(this.#link, {
      name: "announce task types",
      log: this.#log,
      signal,
      run: async (connected, until) => {
        while (!until.aborted) {
          const bucket = await openConfigBucket(connected, this.#replicas);
          for (const type of types) {
            await orElsewhere(this.#announce(bucket, type, times.touchEveryMs));
          }
          await pause(times.lookEveryMs, until);
        }
      },
    });
  }

  async #announce(bucket: KV, type: TaskType, touchEveryMs: number): Promise<void> {
    const nowMs = this.#link.clock.nowMs();
    const key = taskTypeKey(type);
    const found = await ask(bucket.get(key));
    if (found?.operation !== "PUT") {
      await ask(bucket.create(key, taskTypeEntry(type, nowMs)));
    } else if (!isEntryOf(key, found.value)) {
      await ask(bucket.update(key, taskTypeEntry(type, nowMs), found.revision));
    } else if (nowMs - found.created.getTime() >= touchEveryMs) {
      await ask(bucket.update(key, found.value, found.revision));
    }
  }

  /** Removes what was not announced for longer than that; resolves to the keys. */
  async remove({ olderThanMs, isServed }: Removal): Promise<readonly string[]> {
    const connected = this.#link.use();
    const bucket = await openConfigBucket(connected, this.#replicas);
    const beforeMs = this.#link.clock.nowMs() - olderThanMs;
    const found = await entriesOf(bucket, connected);
    const lastMs = new Map<string, number>();
    for (const { name, seenMs } of found) {
      lastMs.set(name, Math.max(seenMs, lastMs.get(name) ?? 0));
    }
    const outdated = found.filter(({ name, seenMs }) => {
      // Workers of releases before this one do not repeat what they announce.
      const isAllThereIs = seenMs === lastMs.get(name) && isServed(name);
      return seenMs < beforeMs && !isAllThereIs;
    });
    for (const { key, revision } of outdated) {
      await orElsewhere(ask(bucket.delete(key, { previousSeq: revision })));
    }
    return outdated.map(({ key }) => key);
  }

  /** Calls back with all that is announced when it was read, and after every change, until the signal aborts. */
  follow(onAnnounced: (all: readonly Announcement[]) => void, signal: AbortSignal): Promise<void> {
    return keepRunning(this.#link, {
      name: "follow task types",
      log: this.#log,
      signal,
      run: async (connected, until) => {
        await openConfigBucket(connected, this.#replicas);
        // Begun anew each time: what was deleted meanwhile does not come.
        const entries = new Entries(this.#log);
        let isRead = false;
        const announced: BucketListener = {
          bucket: connected.names.configBucket,
          keys: ALL_TASK_TYPES,
          onEntry(entry) {
            entries.apply(entry);
            if (isRead) onAnnounced(entries.all);
          },
          onRead() {
            isRead = true;
            onAnnounced(entries.all);
          },
        };
        await followBucket(connected, announced, until);
      },
    });
  }
}

interface Removal {
  readonly olderThanMs: number;
  readonly isServed: (type: string) => boolean;
}

async function entriesOf(bucket: KV, { jsm, names }: Connected) {
  const found: { key: string; revision: number; name: string; seenMs: number }[] = [];
  const prefix = `$KV.${names.configBucket}.`;
  const subjects = { subjects_filter: prefix + ALL_TASK_TYPES };
  const { state } = await ask(jsm.streams.info(names.configStream, subjects));
  for (const subject of Object.keys(state.subjects ?? {})) {
    const key = subject.slice(prefix.length);
    const entry = await ask(bucket.get(key));
    if (entry?.operation !== "PUT") continue;
    const { revision, created } = entry;
    found.push({ key, revision, name: nameIn(entry), seenMs: created.getTime() });
  }
  return found;
}

/** Empty for one that can't be read. */
function nameIn({ value }: KvEntry): string {
  try {
    return readTaskType(value).name;
  } catch {
    return "";
  }
}

/** Another process was faster, and has written the same. */
async function orElsewhere(written: Promise<unknown>): Promise<void> {
  try {
    await written;
  } catch (error) {
    if (!isWrongSequence(error)) throw error;
  }
}

/** The entries as they were read. */
class Entries {
  readonly #log: BrokerLog;
  readonly #byKey = new Map<
    string,
    { readonly value: Uint8Array; readonly announced: Announcement }
  >();

  constructor(log: BrokerLog) {
    this.#log = log;
  }

  get all(): readonly Announcement[] {
    return [...this.#byKey.values()].map(({ announced }) => announced);
  }

  /** One that can't be read must not hide the others. */
  apply({ key, value, time }: BucketEntry): void {
    if (value === undefined) {
      this.#byKey.delete(key);
      return;
    }
    try {
      const known = this.#byKey.get(key);
      // The same type stays the same object, so that whoever compares sees that nothing but the time has changed.
      const isSame = known !== undefined && Buffer.compare(known.value, value) === 0;
      const type = isSame ? known.announced.type : readTaskType(value);
      this.#byKey.set(key, { value, announced: { type, seenMs: time.getTime() } });
    } catch (error) {
      this.#byKey.delete(key);
      this.#log.error({ err: error, key }, "task type can't be read");
    }
  }
}
