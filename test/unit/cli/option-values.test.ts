import { timestampDate } from "@bufbuild/protobuf/wkt";
import { expect, test } from "vitest";
import {
  codesValue,
  durationValue,
  labelValue,
  textValue,
  timeValue,
} from "#cli/commands/option-values.ts";

test("a time must say its zone, so that it means the same everywhere", () => {
  const isoOf = (given: string) => timestampDate(timeValue(given)).toISOString();
  expect(isoOf("2030-01-31T09:00:00Z")).toBe("2030-01-31T09:00:00.000Z");
  expect(isoOf("2030-01-31T09:00+01:00")).toBe("2030-01-31T08:00:00.000Z");
  expect(isoOf("2030-01-31T09:00:00.5Z")).toBe("2030-01-31T09:00:00.500Z");
  for (const wrong of ["tomorrow", "2030-01-31", "2030-01-31T09:00:00", "2030-13-31T09:00:00Z"]) {
    expect(() => timeValue(wrong), wrong).toThrow("must be a time with its zone");
  }
});

test("a duration has a number and a unit", () => {
  expect(durationValue("1.5m")).toMatchObject({ seconds: 90n });
  for (const wrong of ["soon", "-1s", "10 days", "1h30m", ""]) {
    expect(() => durationValue(wrong), wrong).toThrow('must be a duration, e.g. "500ms"');
  }
});

test("codes of errors add up, and are in upper case", () => {
  expect(codesValue("NOT_A_PAGE", ["HTTP_STATUS"])).toEqual(["HTTP_STATUS", "NOT_A_PAGE"]);
  expect(() => codesValue("http")).toThrow("must be the code of an error");
});

test("a label is given once", () => {
  expect(labelValue("b==", labelValue("a="))).toEqual({ a: "", b: "=" });
  for (const again of ["a=c", "a=b"]) {
    expect(() => labelValue(again, { a: "b" })).toThrow('"a" is given twice');
  }
});

test("what names something is not empty", () => {
  expect(textValue(" a ")).toBe(" a ");
  for (const empty of ["", " "]) expect(() => textValue(empty)).toThrow("must not be empty");
});
