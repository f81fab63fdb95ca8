import { create, type MessageInitShape } from "@bufbuild/protobuf";
import type { Any, Duration, Timestamp } from "@bufbuild/protobuf/wkt";
import { type Command, Option } from "commander";
import { type Priority, type TaskSpec, TaskSpecSchema } from "#gen/millrace/v1/task_pb.ts";
import {
  attemptsValue,
  codesValue,
  durationValue,
  labelValue,
  priorityValue,
  textValue,
  timeValue,
} from "./option-values.ts";

/** What the command line says of a task besides its input. */
export interface SpecOptions {
  readonly queue?: string;
  readonly priority?: Priority;
  readonly label?: Readonly<Record<string, string>>;
  readonly startTime?: Timestamp;
  readonly delay?: Duration;
  readonly expireTime?: Timestamp;
  readonly ttl?: Duration;
  readonly taskTimeout?: Duration;
  readonly timeout?: Duration;
  readonly softTimeout?: Duration;
  readonly keepFor?: Duration;
  readonly maxAttempts?: number;
  /** Of --no-retry-on; commander drops the "no". */
  readonly retryOn: readonly string[];
}

/** Of a batch, each line says all this by itself. */
const BATCH = "batch";

export function addSpecOptions(command: Command): Command {
  const options = [
    new Option("--queue <name>", "queue to wait in").argParser(textValue),
    new Option("--priority <level>", "urgent, high, normal or low").argParser(priorityValue),
    new Option("--label <key=value>", "a mark of your own; may be repeated").argParser(labelValue),
    new Option("--start-time <time>", "start no earlier, e.g. 2030-01-31T09:00:00Z")
      .argParser(timeValue)
      .conflicts("delay"),
    new Option("--delay <duration>", "start no earlier than in, e.g. 10m").argParser(durationValue),
    new Option("--expire-time <time>", "give up if it has not started by then")
      .argParser(timeValue)
      .conflicts("ttl"),
    new Option(
      "--ttl <duration>",
      "give up if it has not started that long after it could",
    ).argParser(durationValue),
    new Option(
      "--task-timeout <duration>",
      "limit of the whole task from when it may start (see --delay), waiting and retries included",
    ).argParser(durationValue),
    new Option("--timeout <duration>", "limit of one attempt, e.g. 30s or 5m").argParser(
      durationValue,
    ),
    new Option("--soft-timeout <duration>", "when an attempt is asked to come to an end").argParser(
      durationValue,
    ),
    new Option("--keep-for <duration>", "how long it is kept once it has ended, e.g. 1h").argParser(
      durationValue,
    ),
    new Option("--max-attempts <n>", "failed attempts allowed in all").argParser(attemptsValue),
    // A default, for commander takes what begins with --no- to be on.
    new Option("--no-retry-on <code>", "an error that ends the task at once; may be repeated")
      .default([], "the task type's")
      .argParser(codesValue),
  ];
  for (const option of options) command.addOption(option.conflicts(BATCH));
  return command;
}

export function specOf(input: Any, options: SpecOptions): TaskSpec {
  const { queue = "", label = {}, priority, taskTimeout, timeout, softTimeout, keepFor } = options;
  return create(TaskSpecSchema, {
    input,
    queue,
    labels: { ...label },
    ...startOf(options),
    ...expiryOf(options),
    ...retriesOf(options),
    ...(priority !== undefined && { priority }),
    ...(taskTimeout && { taskTimeout }),
    ...(timeout && { attemptTimeout: timeout }),
    ...(softTimeout && { attemptSoftTimeout: softTimeout }),
    ...(keepFor && { keepFor }),
  });
}

type Init = MessageInitShape<typeof TaskSpecSchema>;

function startOf({ startTime, delay }: SpecOptions): Pick<Init, "start"> {
  if (startTime) return { start: { case: "startTime", value: startTime } };
  return delay ? { start: { case: "delay", value: delay } } : {};
}

function expiryOf({ expireTime, ttl }: SpecOptions): Pick<Init, "expiry"> {
  if (expireTime) return { expiry: { case: "expireTime", value: expireTime } };
  return ttl ? { expiry: { case: "ttl", value: ttl } } : {};
}

function retriesOf({ maxAttempts, retryOn: never }: SpecOptions): Pick<Init, "retryPolicy"> {
  if (maxAttempts === undefined && never.length === 0) return {};
  const retryPolicy = {
    ...(maxAttempts !== undefined && { maxAttempts }),
    nonRetryableCodes: [...never],
  };
  return { retryPolicy };
}
