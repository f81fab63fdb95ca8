import { create, toJson } from "@bufbuild/protobuf";
import { AnySchema } from "@bufbuild/protobuf/wkt";
import { expect, test } from "vitest";
import { InputNames } from "../../../services/monitor/input-names.ts";

function asJson(names: InputNames, typeName: string) {
  const typeUrl = `type.googleapis.com/${typeName}`;
  return toJson(AnySchema, create(AnySchema, { typeUrl }), { registry: names.registry });
}

test.each(["test.v1.Work", "test.v1.Outer.Inner", "Bare"])(
  "an input of type %s can be named in JSON without being known",
  (typeName) => {
    const names = new InputNames();
    expect(names.learn(typeName)).toBe(true);
    expect(names.learn(typeName)).toBe(true);
    expect(asJson(names, typeName)).toEqual({ "@type": `type.googleapis.com/${typeName}` });
  },
);

test("a well-known type is written in its own way", () => {
  const names = new InputNames();
  expect(names.learn("google.protobuf.Struct")).toBe(true);
  expect(asJson(names, "google.protobuf.Struct")).toMatchObject({ value: {} });
});

test.each(["", "google.protobuf.Value", "google.protobuf.Timestamp"])(
  "the type %j can't be named on its own",
  (typeName) => {
    expect(new InputNames().learn(typeName)).toBe(false);
  },
);
