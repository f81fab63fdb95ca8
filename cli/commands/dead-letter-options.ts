import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { type Command, InvalidArgumentError } from "commander";
import { type DeadLetterFilter, DeadLetterFilterSchema } from "#gen/millrace/v1/task_service_pb.ts";
import { resolveType } from "../task-types/resolve-type.ts";
import type { TaskTypes } from "../task-types/task-types.ts";
import { parseDuration } from "../terminal/duration.ts";
import { labelValue, textValue } from "./option-values.ts";

export interface FilterOptions {
  readonly queue?: string;
  readonly type?: string;
  readonly code?: string;
  readonly label?: Readonly<Record<string, string>>;
  readonly since?: number;
}

/** The options that choose among dead letters. */
export function withFilterOptions(command: Command): Command {
  return command
    .option("--queue <name>", "only of this queue", textValue)
    .option("--type <type>", "only of this task type; as for submit, or its full name", textValue)
    .option("--code <code>", "only with this error code", textValue)
    .option("--label <key=value>", "only with this label; may be repeated", labelValue)
    .option("--since <duration>", "only failed within this time until now, e.g. 1h", sinceValue);
}

/** The time, in milliseconds since 1970, that was this long ago. */
function sinceValue(given: string): number {
  const ms = parseDuration(given);
  if (ms !== undefined) return Date.now() - ms;
  throw new InvalidArgumentError('must be a duration, e.g. "30m" or "24h"');
}

export function filterOf(options: FilterOptions, types: TaskTypes): DeadLetterFilter {
  const { queue = "", type, code = "", label = {}, since } = options;
  const filter: MessageInitShape<typeof DeadLetterFilterSchema> = {
    queue,
    errorCode: code,
    labels: { ...label },
    ...(type !== undefined && { taskType: typeNameOf(type, types) }),
    ...(since !== undefined && { failedAfter: timestampFromMs(since) }),
  };
  return create(DeadLetterFilterSchema, filter);
}

/** A full name is taken as it is: tasks outlive the workers that knew their type. */
function typeNameOf(given: string, { all }: TaskTypes): string {
  const isKnown = all.some(({ name, alias }) => [name, alias].includes(given));
  return given.includes(".") && !isKnown ? given : resolveType(given, all).name;
}
