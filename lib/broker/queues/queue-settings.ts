import { clone, create, equals, toBinary } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import {
  PauseSchema,
  type QueueSettings,
  QueueSettingsSchema,
} from "#gen/millrace/v1/queue_service_pb.ts";
import { InvalidField } from "#lib/task/errors.ts";
import type { Asked } from "#lib/task/next-state.ts";
import { ask } from "../link/ask.ts";
import { BrokerUnfit } from "../link/broker-unfit.ts";
import { isWrongSequence } from "../link/is-wrong-sequence.ts";
import type { Link } from "../link/link.ts";
import { afterRepair } from "../link/request.ts";
import { openConfigBucket } from "../topology/config-bucket.ts";
import { changeStream } from "../topology/ensure.ts";
import { establishQueue } from "../topology/establish.ts";
import { queuePlan, type TopologyOptions } from "../topology/topology.ts";
import { readQueueSettings } from "./read-queue-settings.ts";

/** New limits of a queue. 0: as configured. Not set: as they are. */
export interface NewLimits {
  readonly maxTasks?: bigint | undefined;
  readonly maxBytes?: bigint | undefined;
}

/** What operators set for queues. It outlives every process, and comes before what is configured. */
export class QueueSettingsBook {
  readonly #link: Link;
  readonly #options: TopologyOptions;

  constructor(link: Link, options: TopologyOptions) {
    this.#link = link;
    this.#options = options;
  }

  async read(queue: string): Promise<QueueSettings> {
    return (await ask(readQueueSettings(this.#link.use(), queue))).settings;
  }

  /** From when this resolves, workers are handed no more tasks of the queue. A pause that there is keeps its time. */
  async pause(queue: string, { reason, requestedBy }: Asked): Promise<void> {
    await this.#change(queue, (settings) => {
      const time = settings.pause?.time ?? timestampFromMs(this.#link.clock.nowMs());
      settings.pause = create(PauseSchema, { time, reason, requestedBy });
    });
    await this.enforce(queue);
  }

  async resume(queue: string): Promise<void> {
    await this.#change(queue, (settings) => {
      delete settings.pause;
    });
    await this.enforce(queue);
  }

  /** Fails with InvalidField when the broker has no room for such limits; then nothing has changed. */
  async limit(queue: string, { maxTasks, maxBytes }: NewLimits): Promise<void> {
    await this.#change(
      queue,
      (settings) => {
        if (maxTasks !== undefined) set(settings, "maxTasks", maxTasks);
        if (maxBytes !== undefined) set(settings, "maxBytes", maxBytes);
      },
      // Tried before it is written down: once there, every service insists on it, and none could start.
      (wanted) => this.#tryOut(queue, wanted),
    );
    await this.enforce(queue);
  }

  /** Makes the queue in the broker what the settings say. */
  async enforce(queue: string): Promise<void> {
    // Somebody may delete by hand what is just being set.
    await afterRepair(this.#link, () =>
      ask(establishQueue(this.#link.use(), queue, this.#options)),
    );
  }

  /** Repeats the change on what somebody else has set meanwhile, so that neither is lost. */
  async #change(
    queue: string,
    change: (settings: QueueSettings) => void,
    tryOut: (wanted: QueueSettings) => Promise<void> = async () => {},
  ): Promise<void> {
    for (;;) {
      const { settings, revision } = await ask(readQueueSettings(this.#link.use(), queue));
      const wanted = clone(QueueSettingsSchema, settings);
      change(wanted);
      if (equals(QueueSettingsSchema, settings, wanted)) return;
      await tryOut(wanted);
      if (await this.#write(queue, wanted, revision)) return;
    }
  }

  /** False when the settings are no longer those of the revision. */
  async #write(queue: string, settings: QueueSettings, revision: number): Promise<boolean> {
    const connected = this.#link.use();
    await openConfigBucket(connected, this.#options.replicas);
    const data = toBinary(QueueSettingsSchema, settings);
    const subject = connected.names.queueSettingsSubject(queue);
    const expect = { lastSubjectSequence: revision };
    try {
      await ask(connected.js.publish(subject, data, { expect }));
      return true;
    } catch (error) {
      if (isWrongSequence(error)) return false;
      throw error;
    }
  }

  async #tryOut(queue: string, wanted: QueueSettings): Promise<void> {
    const { jsm, names } = this.#link.use();
    try {
      const plan = queuePlan(queue, { ...this.#options, names }, wanted);
      await ask(changeStream(jsm, plan.config));
    } catch (error) {
      throw error instanceof BrokerUnfit ? tooMuch(error) : error;
    }
  }
}

function tooMuch({ cause, message }: BrokerUnfit): InvalidField {
  const why = cause instanceof Error ? cause.message : message;
  return new InvalidField("max_bytes", `is more than the broker can hold: ${why}`);
}

function set(settings: QueueSettings, limit: "maxTasks" | "maxBytes", value: bigint): void {
  if (value === 0n) delete settings[limit];
  else settings[limit] = value;
}
