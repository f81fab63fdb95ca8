import { readFile } from "node:fs/promises";
import { Priority } from "#gen/millrace/v1/task_pb.ts";
import type { Settings } from "#lib/process/settings.ts";
import { SetupError } from "#lib/process/setup-error.ts";
import { errorMessage } from "#lib/task/error-message.ts";
import type { RoutingRule } from "#lib/task/routing.ts";

const PRIORITIES: ReadonlyMap<unknown, Priority> = new Map([
  ["URGENT", Priority.URGENT],
  ["HIGH", Priority.HIGH],
  ["NORMAL", Priority.NORMAL],
  ["LOW", Priority.LOW],
]);

/** The rules in the file; none without a file. Throws SetupError, which names the rule and the field. */
export async function readRoutingRules({
  routingFile: file,
  queues,
  givenBy,
}: Pick<Settings, "routingFile" | "queues" | "givenBy">): Promise<readonly RoutingRule[]> {
  if (file === undefined) return [];
  try {
    return parseRoutingRules(await readFile(file, "utf8"), queues);
  } catch (error) {
    const reason = errorMessage(error);
    throw new SetupError(`${givenBy.routingFile}: ${file}: ${reason}`, { cause: error });
  }
}

/** Throws an error whose message names the rule, by its number from 1, and the field. */
export function parseRoutingRules(text: string, queues: readonly string[]): RoutingRule[] {
  const given = at("this is not JSON", (): unknown => JSON.parse(text));
  if (!Array.isArray(given)) throw new Error("must be a JSON list of rules: [{ ... }, { ... }]");
  return given.map((rule, index) => at(`rule ${index + 1}`, () => parseRule(rule, queues)));
}

function parseRule(given: unknown, queues: readonly string[]): RoutingRule {
  if (!isObject(given)) throw new Error("must be an object");
  const fields = fieldsFor(queues);
  const unknown = Object.keys(given).find((name) => !fields.has(name));
  if (unknown !== undefined) {
    throw new Error(
      `${unknown}: there is no such field; there are: ${[...fields.keys()].join(", ")}`,
    );
  }
  const entries = [...fields].filter(([name]) => given[name] !== undefined);
  const rule: RoutingRule = Object.fromEntries(
    entries.map(([name, parse]) => [name, at(name, () => parse(given[name]))]),
  );
  refuseUseless(rule);
  return rule;
}

type Parse = (value: unknown) => unknown;

function fieldsFor(queues: readonly string[]): ReadonlyMap<string, Parse> {
  return new Map<keyof RoutingRule, Parse>([
    ["taskType", nonEmptyText],
    ["labels", labels],
    ["minInputBytes", bytes],
    ["maxInputBytes", bytes],
    ["queue", (value) => oneOf(new Map(queues.map((name) => [name, name])), value)],
    ["priority", (value) => oneOf(PRIORITIES, value)],
  ]);
}

function refuseUseless({ queue, priority, minInputBytes = 0, maxInputBytes }: RoutingRule): void {
  if (queue === undefined && priority === undefined) {
    throw new Error("must name a queue, a priority, or both");
  }
  if (maxInputBytes !== undefined && maxInputBytes < minInputBytes) {
    throw new Error("maxInputBytes: must not be less than minInputBytes");
  }
}

function nonEmptyText(value: unknown): string {
  if (typeof value === "string" && value !== "") return value;
  throw new Error(`must be a text, not ${shown(value)}`);
}

function labels(value: unknown): unknown {
  if (isObject(value) && Object.values(value).every((each) => typeof each === "string")) {
    return value;
  }
  throw new Error(`must be an object of texts, not ${shown(value)}`);
}

function bytes(value: unknown): unknown {
  if (Number.isSafeInteger(value) && Number(value) >= 0) return value;
  throw new Error(`must be a whole number, 0 or more, not ${shown(value)}`);
}

function oneOf<T>(allowed: ReadonlyMap<unknown, T>, value: unknown): T {
  const found = allowed.get(value);
  if (found !== undefined) return found;
  throw new Error(`must be one of ${[...allowed.keys()].join(", ")}, not ${shown(value)}`);
}

function shown(value: unknown): string {
  return JSON.stringify(value);
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Says where in the file it is wrong. */
function at<T>(where: string, parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    const reason = errorMessage(error);
    throw new Error(`${where}: ${reason}`, { cause: error });
  }
}
