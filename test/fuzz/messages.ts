import {
  create,
  type DescField,
  type DescMessage,
  type Message,
  ScalarType,
  toBinary,
} from "@bufbuild/protobuf";
import { AnySchema, anyPack, StructSchema, ValueSchema } from "@bufbuild/protobuf/wkt";
import * as fc from "fast-check";
import { isolatedScriptOf, scriptOf } from "#test/support/system.ts";

/** Messages in messages, beyond which nothing is set. */
const DEPTH = 4;
const MANY = 3_000;
/** More than any door takes. */
const MAX_LIST_BYTES = 5 * 2 ** 20;

type Init = Record<string, unknown>;

/** Few, so that calls meet each other's tasks and queues. */
const IDS = Array.from({ length: 8 }, (_, index) => `fuzz-${index}`);
export const QUEUES = ["default", "reports"];

const anyText = fc.oneof(
  { weight: 4, arbitrary: fc.string({ unit: "binary", maxLength: 40 }) },
  {
    weight: 1,
    arbitrary: fc.constantFrom("", "\u0000", "\u001b[2J\n", "\u202e", "\ud800", "__proto__"),
  },
  { weight: 1, arbitrary: fc.integer({ min: 1, max: 60_000 }).map((length) => "x".repeat(length)) },
);

const LIKELY: Readonly<Record<string, fc.Arbitrary<string>>> = {
  taskId: fc.constantFrom(...IDS),
  queue: fc.constantFrom("", ...QUEUES),
  name: fc.constantFrom(...QUEUES),
  requestId: fc.constantFrom("", "order 1", "order 2"),
};

const wholeNumber = fc.oneof(
  fc.constantFrom(0n, 1n, -1n, 2n ** 31n - 1n, -(2n ** 31n), 2n ** 32n - 1n, 2n ** 53n),
  fc.constantFrom(2n ** 63n - 1n, -(2n ** 63n), 2n ** 64n - 1n),
  fc.bigInt(-1_000n, 1_000_000n),
);
const anyNumber = fc.oneof(fc.double(), fc.constantFrom(NaN, Infinity, -Infinity, -0, 1e308));

/** Messages of any content, mostly of a kind that the services know. */
export function messagesOf(desc: DescMessage, depth = DEPTH): fc.Arbitrary<Init> {
  if (desc.typeName === AnySchema.typeName) return packed;
  const single = desc.fields.filter((field) => field.oneof === undefined);
  const fields = Object.fromEntries(
    single.flatMap((field) => {
      const values = valuesOf(field, depth);
      return values ? [[field.localName, values]] : [];
    }),
  );
  const choices = desc.oneofs.map((oneof) => {
    const cases = oneof.fields.flatMap((field) => {
      const values = valuesOf(field, depth);
      return values ? [values.map((value) => ({ case: field.localName, value }))] : [];
    });
    return fc
      .option(fc.oneof(...cases), { nil: undefined })
      .map((chosen) => [oneof.localName, chosen ?? { case: undefined }]);
  });
  return fc
    .tuple(fc.record(fields, { requiredKeys: [] }), ...choices)
    .map(([own, ...chosen]) => ({ ...own, ...Object.fromEntries(chosen) }));
}

function valuesOf(field: DescField, depth: number): fc.Arbitrary<unknown> | undefined {
  const one = singleValuesOf(field, depth);
  if (!one) return undefined;
  if (field.fieldKind === "list") return listsOf(field, one);
  if (field.fieldKind !== "map") return one;
  return fc.dictionary(fc.string({ maxLength: 12 }), one, { maxKeys: 40 });
}

/** Of a list, one element; of a map, one value. */
function singleValuesOf(field: DescField, depth: number): fc.Arbitrary<unknown> | undefined {
  if (field.message) {
    if (depth === 0) return undefined;
    // A message in JSON, and not a Value.
    if (field.message.typeName === StructSchema.typeName)
      return fc.dictionary(fc.string(), fc.jsonValue());
    return messagesOf(field.message, depth - 1).map((init) => create(field.message, init));
  }
  if (field.enum) {
    return fc.oneof(
      fc.constantFrom(...field.enum.values.map((value) => value.number)),
      fc.integer(),
    );
  }
  return scalars(field.scalar, field.localName);
}

function listsOf({ message }: DescField, one: fc.Arbitrary<unknown>): fc.Arbitrary<unknown[]> {
  const many = one.map((value) => {
    const bytes = message ? toBinary(message, value as Message).length : String(value).length;
    const length = Math.min(MANY, Math.ceil(MAX_LIST_BYTES / (bytes + 1)));
    return Array.from({ length }, () => value);
  });
  return fc.oneof(
    { weight: 9, arbitrary: fc.array(one, { maxLength: 4 }) },
    { weight: 1, arbitrary: many },
  );
}

function scalars(type: ScalarType | undefined, name: string): fc.Arbitrary<unknown> {
  switch (type) {
    case ScalarType.STRING:
      return LIKELY[name] ? fc.oneof(LIKELY[name], anyText) : anyText;
    case ScalarType.BOOL:
      return fc.boolean();
    case ScalarType.BYTES:
      return fc.uint8Array({ maxLength: 100 });
    case ScalarType.DOUBLE:
    case ScalarType.FLOAT:
      return anyNumber;
    case ScalarType.INT64:
    case ScalarType.SINT64:
    case ScalarType.SFIXED64:
      return wholeNumber.map((value) => BigInt.asIntN(64, value));
    case ScalarType.UINT64:
    case ScalarType.FIXED64:
      return wholeNumber.map((value) => BigInt.asUintN(64, value));
    case ScalarType.UINT32:
    case ScalarType.FIXED32:
      return wholeNumber.map((value) => Number(BigInt.asUintN(32, value)));
    default:
      return wholeNumber.map((value) => Number(BigInt.asIntN(32, value)));
  }
}

const NESTED = 200;

/** A list in a list in a list. */
function nested(): unknown {
  let value: Init = { kind: { case: "nullValue", value: 0 } };
  for (let level = 0; level < NESTED; level += 1)
    value = { kind: { case: "listValue", value: { values: [value] } } };
  return value;
}

/** Inputs of tasks: some that a worker runs, some that hold what JSON can't say, some that are no message. */
const packed: fc.Arbitrary<Init> = fc.oneof(
  fc.integer({ min: 0, max: 3 }).map((steps) => scriptOf({ steps })),
  fc.integer({ min: 0, max: 3 }).map((steps) => isolatedScriptOf({ steps })),
  anyNumber.map((value) =>
    anyPack(ValueSchema, create(ValueSchema, { kind: { case: "numberValue", value } })),
  ),
  fc.constant(anyPack(ValueSchema, create(ValueSchema, nested() as Init))),
  fc.record({
    typeUrl: fc.oneof(
      fc.constantFrom(`type.googleapis.com/${StructSchema.typeName}`, "google.protobuf.Value", "/"),
      anyText,
    ),
    value: fc.oneof(
      fc.uint8Array({ maxLength: 60 }),
      fc.jsonValue().map((value) =>
        toBinary(
          StructSchema,
          create(StructSchema, {
            fields: { value: { kind: { case: "stringValue", value: JSON.stringify(value) } } },
          }),
        ),
      ),
    ),
  }),
);

/** JSON whose names are right, mostly, and whose values are of any kind. */
export function looseJson(desc: DescMessage, depth = DEPTH): fc.Arbitrary<string> {
  const fields = desc.fields.map((field) => {
    const inner = field.message && depth > 0 ? [looseJson(field.message, depth - 1)] : [];
    const likely = LIKELY[field.localName];
    const values = fc.oneof(
      ...inner,
      ...inner.map((value) => value.map((text) => `[${text}]`)),
      ...(likely ? [likely.map((text) => JSON.stringify(text))] : []),
      fc.jsonValue({ depthSize: "small" }).map((value) => JSON.stringify(value)),
      fc.constantFrom(
        "1e400",
        "-1e400",
        '"NaN"',
        '"\\ud800"',
        "[[[[[[]]]]]]",
        "9".repeat(400),
        "null",
      ),
    );
    return fc.option(
      values.map((value) => `${JSON.stringify(field.jsonName)}:${value}`),
      { nil: undefined, freq: 2 },
    );
  });
  return fc
    .tuple(...fields)
    .map((pairs) => `{${pairs.filter((pair) => pair !== undefined).join(",")}}`);
}
