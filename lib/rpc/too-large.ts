import type { DescMessage, Message } from "@bufbuild/protobuf";
import type { FieldFault } from "#lib/task/errors.ts";
import { type SizedField, type SizeRule, sizedFieldsOf } from "./size-rules.ts";

const RULES: Readonly<Record<SizeRule["unit"], string>> = {
  characters: "string.max_len",
  bytes: "bytes.max_len",
  items: "repeated.max_items",
  pairs: "map.max_pairs",
};

/** Says that a field is larger than it may be. */
export function tooLarge({ max, unit }: SizeRule, field: string): FieldFault {
  return { field, description: `must be at most ${max} ${unit}`, rule: RULES[unit] };
}

/**
 * The fields that are larger than they may be, as paths below `at`. To be asked before any other rule: a pattern takes
 * seconds for 4 MB of text, and so do the rules of a million items.
 */
export function tooLargeFields(desc: DescMessage, message: Message, at: string): FieldFault[] {
  const search = new Search();
  search.message(desc, message, at);
  return search.found;
}

class Search {
  readonly found: FieldFault[] = [];

  message(desc: DescMessage, message: Message, at: string): void {
    for (const sized of sizedFieldsOf(desc).values()) {
      const value = contentsOf(message, sized);
      if (value === undefined || value === "") continue;
      const path = at ? `${at}.${sized.field.name}` : sized.field.name;
      if (!this.#isLarger(value, sized.size, path)) this.#within(value, sized, path);
    }
  }

  #within(value: unknown, sized: SizedField, path: string): void {
    if (sized.field.fieldKind === "map") this.#pairs(Object(value), sized, path);
    else if (!Array.isArray(value)) this.#value(value, sized, path);
    else if (!sized.apart) {
      for (const [index, item] of value.entries()) this.#value(item, sized, `${path}[${index}]`);
    }
  }

  #pairs(pairs: object, { item, key }: SizedField, path: string): void {
    for (const [name, value] of Object.entries(pairs)) {
      if (this.#isLarger(name, key, path)) continue;
      this.#isLarger(value, item, `${path}[${JSON.stringify(name)}]`);
    }
  }

  #value(value: unknown, { item, message }: SizedField, path: string): void {
    if (this.#isLarger(value, item, path)) return;
    if (message) this.message(message, value as Message, path);
  }

  #isLarger(value: unknown, rule: SizeRule | undefined, path: string): boolean {
    if (rule === undefined || sizeOf(value, rule) <= rule.max) return false;
    this.found.push(tooLarge(rule, path));
    return true;
  }
}

function contentsOf(message: Message, { field }: SizedField): unknown {
  if (!field.oneof) return Reflect.get(message, field.localName);
  const oneof: { case?: string; value?: unknown } = Reflect.get(message, field.oneof.localName);
  return oneof.case === field.localName ? oneof.value : undefined;
}

function sizeOf(value: unknown, { unit, max }: SizeRule): number {
  if (typeof value === "string") return charactersOf(value, max);
  if (value instanceof Uint8Array || Array.isArray(value)) return value.length;
  return unit === "pairs" ? Object.keys(Object(value)).length : 0;
}

/** Some take two units. Counted only where that matters. */
function charactersOf(text: string, max: number): number {
  const { length } = text;
  return length > max && length <= 2 * max ? [...text].length : length;
}
