import type { DescField, DescMessage } from "@bufbuild/protobuf";
import { CliError } from "#cli/cli-error.ts";
import { ExitCode } from "#cli/exit-code.ts";
import { fieldNamed } from "./json-fields.ts";
import { isObjectInJson, jsonFormOf } from "./json-form.ts";
import type { Pair } from "./pair.ts";

/** Where a pair puts its value. */
interface Place {
  readonly path: readonly string[];
  /** Whether it is put beside what is there, as in a list. */
  readonly adds: boolean;
}

/** Refuses a pair that would replace what another one has given. */
export function refuseGivenTwice(pairs: readonly Pair[], message: DescMessage): void {
  const before: { readonly key: string; readonly path: readonly string[] }[] = [];
  for (const { key } of pairs) {
    const { path, adds } = placeOf(key, message);
    const replaced = adds ? undefined : before.find((one) => isWithin(one.path, path));
    if (replaced) throw givenTwice(key, replaced.key);
    before.push({ key, path });
  }
}

function placeOf(key: string, message: DescMessage): Place {
  if (!isObjectInJson(message)) return { path: [key], adds: jsonFormOf(message) === "list" };
  if (jsonFormOf(message) !== "fields") return { path: key.split("."), adds: false };
  const dot = key.indexOf(".");
  const field = fieldNamed(dot < 0 ? key : key.slice(0, dot), message);
  if (dot < 0) return { path: [field.name], adds: isList(field) };
  const { path, adds } = placeIn(field, key.slice(dot + 1));
  return { path: [field.name, ...path], adds };
}

/** The key of a map may have dots. */
function placeIn(field: DescField, rest: string): Place {
  return field.fieldKind === "message"
    ? placeOf(rest, field.message)
    : { path: [rest], adds: false };
}

function isList({ fieldKind, message }: DescField): boolean {
  return fieldKind === "list" || (message !== undefined && jsonFormOf(message) === "list");
}

function isWithin(path: readonly string[], outer: readonly string[]): boolean {
  return outer.every((name, index) => path[index] === name);
}

function givenTwice(key: string, before: string): CliError {
  const text = key === before ? `"${key}" is given twice` : `"${key}" would replace "${before}"`;
  return new CliError(text, { exitCode: ExitCode.USAGE });
}
