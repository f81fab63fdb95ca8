import type { JsonValue } from "@bufbuild/protobuf";
import { escaped } from "#lib/process/escaped.ts";
import { wrapped } from "./text.ts";

const INDENT = "  ";

/** JSON as people read it: a line per field, what is inside indented, long text wrapped. */
export function jsonLines(value: JsonValue, columns: number): string[] {
  if (Array.isArray(value)) return value.flatMap((item) => itemLines(item, columns));
  if (typeof value !== "object" || value === null) return wrapped(String(value), columns);
  return Object.entries(value).flatMap(([name, inner]) => fieldLines(name, inner, columns));
}

function fieldLines(name: string, value: JsonValue, columns: number): string[] {
  const lines = jsonLines(value, columns - INDENT.length);
  const [only = ""] = lines;
  const isShort = lines.length <= 1 && typeof value !== "object";
  const title = escaped(name);
  if (isShort && title.length + 2 + only.length <= columns) return [`${title}: ${only}`];
  return [`${title}:`, ...lines.map((line) => INDENT + line)];
}

function itemLines(value: JsonValue, columns: number): string[] {
  const lines = jsonLines(value, columns - INDENT.length);
  return lines.map((line, index) => (index === 0 ? "- " : INDENT) + line);
}
