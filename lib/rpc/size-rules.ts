import { type DescField, type DescMessage, getOption, ScalarType } from "@bufbuild/protobuf";
import {
  type FieldRules,
  Ignore,
  field as rulesOf,
} from "@bufbuild/protovalidate/gen/buf/validate/validate_pb.js";

/** For messages whose .proto files are not ours to write rules into: google.protobuf.Any, health, reflection. */
const MAX_CHARACTERS = 1_024;
const MAX_ITEMS = 1_000;

/** How large a value may be. */
export interface SizeRule {
  readonly unit: "characters" | "bytes" | "items" | "pairs";
  readonly max: number;
  /** Whether the .proto file says so. */
  readonly isWritten: boolean;
}

/** How large a field may be, and what it holds. */
export interface SizedField {
  readonly field: DescField;
  readonly size: SizeRule | undefined;
  /** Of each item of a list, or of each value of a map. */
  readonly item: SizeRule | undefined;
  /** Of each key of a map. */
  readonly key: SizeRule | undefined;
  /** The message that it holds, or that each item of the list is. */
  readonly message: DescMessage | undefined;
  /** Each item of the list is checked as if it had come alone. */
  readonly apart: boolean;
}

const known = new WeakMap<DescMessage, ReadonlyMap<number, SizedField>>();

/** The fields of a message, by number. */
export function sizedFieldsOf(desc: DescMessage): ReadonlyMap<number, SizedField> {
  const before = known.get(desc);
  if (before) return before;
  const fields = new Map(desc.fields.map((field) => [field.number, sized(field)]));
  known.set(desc, fields);
  return fields;
}

function sized(field: DescField): SizedField {
  const rules = getOption(field, rulesOf);
  const none = { field, item: undefined, key: undefined, apart: false };
  switch (field.fieldKind) {
    case "list": {
      const { items } = rules.type.case === "repeated" ? rules.type.value : {};
      const size = sizeRule("items", rules, "maxItems", MAX_ITEMS);
      const item = scalarRule(field.scalar, items);
      return {
        ...none,
        size,
        item,
        message: field.message,
        apart: items?.ignore === Ignore.ALWAYS,
      };
    }
    case "map": {
      const { keys, values } = rules.type.case === "map" ? rules.type.value : {};
      const size = sizeRule("pairs", rules, "maxPairs", MAX_ITEMS);
      const [key, item] = [scalarRule(field.mapKey, keys), scalarRule(field.scalar, values)];
      return { ...none, size, item, key, message: undefined };
    }
    default:
      return { ...none, size: scalarRule(field.scalar, rules), message: field.message };
  }
}

function scalarRule(
  scalar: ScalarType | undefined,
  rules: FieldRules | undefined,
): SizeRule | undefined {
  if (scalar === ScalarType.STRING) return sizeRule("characters", rules, "maxLen", MAX_CHARACTERS);
  if (scalar === ScalarType.BYTES) return sizeRule("bytes", rules, "maxLen", Infinity);
  return undefined;
}

function sizeRule(
  unit: SizeRule["unit"],
  rules: FieldRules | undefined,
  name: "maxItems" | "maxPairs" | "maxLen",
  otherwise: number,
): SizeRule {
  const written: object = rules?.type.value ?? {};
  // One that is not written is the zero of its prototype.
  const max: unknown = Object.hasOwn(written, name) ? Reflect.get(written, name) : undefined;
  const isWritten = typeof max === "bigint";
  return { unit, max: isWritten ? Number(max) : otherwise, isWritten };
}
