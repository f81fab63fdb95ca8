import { fromJson, type JsonObject, type JsonValue } from "@bufbuild/protobuf";
import { AnySchema } from "@bufbuild/protobuf/wkt";
import { describe, expect, test } from "vitest";
import { lineRequest } from "#cli/submit/line-request.ts";
import { buildInput, givenInput } from "#cli/task-types/build-input.ts";
import { taskTypesOf } from "#cli/task-types/task-types.ts";
import { typeOf } from "./every-form.ts";

function built(name: string, args: readonly string[]) {
  const type = typeOf(name);
  return buildInput(type, givenInput(args), taskTypesOf([type]).registry);
}

/** What a gateway makes of the JSON of a curl. */
function byCurl(name: string, fields: JsonObject) {
  const { registry } = taskTypesOf([typeOf(name)]);
  return fromJson(AnySchema, { "@type": `type.googleapis.com/${name}`, ...fields }, { registry });
}

const FIELDS: [string[], JsonObject][] = [
  [["int=5"], { int: 5 }],
  [["flag=true"], { flag: true }],
  [["text=5"], { text: "5" }],
  [['text="[a'], { text: '"[a' }],
  [["blob=aGk="], { blob: "aGk=" }],
  [["raw=aGk="], { raw: "aGk=" }],
  [['struct={"a": [1]}'], { struct: { a: [1] } }],
  [["struct.a.b=1", "struct.a.c=one"], { struct: { a: { b: 1, c: "one" } } }],
  [["anything=1"], { anything: 1 }],
  [["anything=one"], { anything: "one" }],
  [["anything.a=null"], { anything: { a: null } }],
  [["list=1", 'list=["a", null]'], { list: [1, "a", null] }],
  [["time=2030-01-31T09:00:00Z"], { time: "2030-01-31T09:00:00Z" }],
  [["wait=1.5s"], { wait: "1.5s" }],
  [["mask=a.b,c"], { mask: "a.b,c" }],
  [
    ["any.@type=type.googleapis.com/google.protobuf.Int32Value", "any.value=5"],
    { any: { "@type": "type.googleapis.com/google.protobuf.Int32Value", value: 5 } },
  ],
  [["waits=1s", 'waits=["2s"]'], { waits: ["1s", "2s"] }],
  [["values=a", "values=2"], { values: ["a", 2] }],
  [["null=null"], { null: null }],
  [["mode=slow"], { mode: "slow" }],
  [["mode=1"], { mode: 1 }],
  [["modes=slow", "modes=0"], { modes: ["slow", "unset"] }],
  [["counts.a.b=7"], { counts: { "a.b": "7" } }],
  [["counts.a.b=7", "counts.a=1"], { counts: { "a.b": "7", a: "1" } }],
  [['{"struct": {"b": {}}}', "struct.a=1"], { struct: { b: {}, a: 1 } }],
];

describe("a field that JSON writes in a way of its own", () => {
  test.each(FIELDS)("%j is taken as curl takes %j, which is taken as well", (args, json) => {
    const expected = byCurl("forms.v1.Every", json);
    expect(built("forms.v1.Every", args)).toEqual(expected);
    expect(built("forms.v1.Every", [JSON.stringify(json)])).toEqual(expected);
  });
});

/** The type, arguments, and its JSON. */
const INPUTS: [string, string[], JsonValue][] = [
  ["Int32Value", ["5"], 5],
  ["Int32Value", ["-5"], -5],
  ["Int32Value", ["value=5"], 5],
  ["Int32Value", ['{"value": 5}'], 5],
  ["Int64Value", ['"9007199254740993"'], "9007199254740993"],
  ["DoubleValue", ["value=NaN"], "NaN"],
  ["BoolValue", ["true"], true],
  ["StringValue", ['"a=b"'], "a=b"],
  ["StringValue", ["value=a=b"], "a=b"],
  ["BytesValue", ["value=aGk="], "aGk="],
  ["Struct", ['{"value": {"a": 1}}'], { value: { a: 1 } }],
  ["Struct", ["a=1", "b.c=text", 'd="1"'], { a: 1, b: { c: "text" }, d: "1" }],
  ["Value", ["null"], null],
  ["Value", ["[1]"], [1]],
  ["Value", ['"text"'], "text"],
  ["Value", ["a=1"], { a: 1 }],
  ["ListValue", ["[1, null]"], [1, null]],
  ["ListValue", ["value=1", "value=a"], [1, "a"]],
  ["Timestamp", ["value=2030-01-31T09:00:00Z"], "2030-01-31T09:00:00Z"],
  ["Timestamp", ['"2030-01-31T09:00:00Z"'], "2030-01-31T09:00:00Z"],
  ["Duration", ["value=3s"], "3s"],
  ["FieldMask", ["value=a,b"], "a,b"],
];

describe("an input whose type JSON writes in a way of its own", () => {
  test.each(INPUTS)("%s %j is taken as curl takes %j", (name, args, value) => {
    const full = `google.protobuf.${name}`;
    const expected = byCurl(full, { value });
    expect(built(full, args)).toEqual(expected);
    const types = taskTypesOf([typeOf(full)]);
    const asAny = JSON.stringify({ input: { "@type": full, value } });
    expect(lineRequest(asAny, types, undefined).spec?.input).toEqual(expected);
    const bare = JSON.stringify({ input: value });
    expect(lineRequest(bare, types, name).spec?.input).toEqual(expected);
  });

  test("nothing given is the empty one", () => {
    for (const name of ["Int32Value", "Struct", "ListValue", "Timestamp", "Empty"]) {
      expect(built(`google.protobuf.${name}`, []).value).toEqual(new Uint8Array());
    }
  });
});

test.each([
  ["google.protobuf.Int32Value", ["x=5"], 'Int32Value has no "x"; it is given as JSON, or by'],
  ["google.protobuf.Int32Value", ['"five"'], "input: "],
  ["google.protobuf.Int32Value", ["five"], '"five" is neither key=value nor JSON'],
  ["google.protobuf.Struct", ["[1]"], "input: must be a JSON object"],
  ["google.protobuf.Timestamp", ["value=tomorrow"], "input: "],
  ["forms.v1.Every", ["int=five"], "int: "],
  ["forms.v1.Every", ["flag=yes"], 'flag: "yes" is neither true nor false'],
  ["forms.v1.Every", ["wait=soon"], "wait: "],
  ["forms.v1.Every", ["wait.seconds=1"], '"wait.seconds": wait holds no single message'],
  ["forms.v1.Every", ["struct=text"], "struct: this is not JSON: "],
  ["forms.v1.Every", ["list=[1"], "list: this is not JSON: "],
  ["forms.v1.Every", ["mode=fast"], 'mode: there is no "fast"; allowed: unset, slow'],
  ["google.protobuf.Int32Value", ["value=1", "value=2"], '"value" is given twice'],
  ["google.protobuf.Struct", ["a=1", "a=2"], '"a" is given twice'],
  ["google.protobuf.Struct", ["a.b=1", "a=2"], '"a" would replace "a.b"'],
  ["google.protobuf.Struct", ["a=1", "a.b=2"], '"a" is given a value that has no members'],
  ["forms.v1.Every", ["counts.a.b=1", "counts.a.b=2"], '"counts.a.b" is given twice'],
])("%s %j is refused in words that help", (name, args, message) => {
  expect(() => built(name, args)).toThrow(
    expect.objectContaining({ exitCode: 2, message: expect.stringContaining(message) }),
  );
});

test("an input with its @type in a batch has its JSON in value, as an Any has", () => {
  const types = taskTypesOf([typeOf("google.protobuf.Struct")]);
  const line = JSON.stringify({ input: { "@type": "google.protobuf.Struct", a: 1 } });
  expect(() => lineRequest(line, types, undefined)).toThrow(
    'input: a Struct has its JSON in "value", and nothing beside it',
  );
});
