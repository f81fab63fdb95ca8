import { fromBinary, toBinary } from "@bufbuild/protobuf";
import type { KV } from "@nats-io/kv";
import { type TaskType, TaskTypeSchema } from "#gen/millrace/v1/task_type_pb.ts";
import { onAbort } from "#lib/process/leaving.ts";
import { pause } from "#lib/process/pause.ts";
import { ask } from "../link/ask.ts";
import { keepRunning } from "../link/keep-running.ts";
import type { BrokerLog, Link } from "../link/link.ts";
import { openConfigBucket } from "../topology/config-bucket.ts";

/** How often a worker looks whether somebody has deleted what it announced. */
const ANNOUNCE_EVERY_MS = 5_000;
const PREFIX = "task-type.";
const ALL = `${PREFIX}>`;

async function isEmpty(bucket: KV): Promise<boolean> {
  const keys = await ask(bucket.keys(ALL));
  for await (const _ of keys) return false;
  return true;
}

function sameBytes(a: Uint8Array, b: Uint8Array | undefined): boolean {
  return b !== undefined && Buffer.compare(a, b) === 0;
}

/** The task types that workers have announced. They stay known when the workers are gone. */
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
  announce(types: readonly TaskType[], signal: AbortSignal): Promise<void> {
    return keepRunning(this.#link, {
      name: "announce task types",
      log: this.#log,
      signal,
      run: async (connected, until) => {
        while (!until.aborted) {
          const bucket = await openConfigBucket(connected, this.#replicas);
          for (const type of types) await this.#write(bucket, type);
          await pause(ANNOUNCE_EVERY_MS, until);
        }
      },
    });
  }

  async #write(bucket: KV, type: TaskType): Promise<void> {
    const bytes = toBinary(TaskTypeSchema, type);
    const key = PREFIX + type.name;
    const found = await ask(bucket.get(key));
    if (!sameBytes(bytes, found?.value)) await ask(bucket.put(key, bytes));
  }

  /** One that can't be read must not hide the others. */
  #read(key: string, value: Uint8Array, onType: (type: TaskType) => void): void {
    try {
      onType(fromBinary(TaskTypeSchema, value));
    } catch (error) {
      this.#log.error({ err: error, key }, "task type can't be read");
    }
  }

  /** Calls back with every task type that is known, and with those that become known, until the signal aborts. */
  follow(
    onType: (type: TaskType) => void,
    onKnown: () => void,
    signal: AbortSignal,
  ): Promise<void> {
    return keepRunning(this.#link, {
      name: "follow task types",
      log: this.#log,
      signal,
      run: async (connected, until) => {
        const bucket = await openConfigBucket(connected, this.#replicas);
        if (await isEmpty(bucket)) onKnown();
        const entries = await ask(bucket.watch({ key: ALL }));
        using _ = onAbort(until, () => entries.stop());
        for await (const { key, value, operation, delta } of entries) {
          if (operation === "PUT") this.#read(key, value, onType);
          // Nothing is left of what was there when the watch began.
          if (delta === 0) onKnown();
        }
      },
    });
  }
}
