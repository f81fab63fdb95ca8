import { create } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import { resolveType } from "#cli/task-types/resolve-type.ts";
import { TaskTypeSchema } from "#gen/millrace/v1/task_type_pb.ts";

const TYPES = [
  { name: "millrace.tasks.v1.SummarizePage", alias: "web.summarize" },
  { name: "shop.v1.ShipOrder", alias: "" },
  { name: "old.v1.ShipOrder", alias: "" },
].map((type) => create(TaskTypeSchema, type));

test.each(["millrace.tasks.v1.SummarizePage", "web.summarize", "SummarizePage"])(
  "%s names the type",
  (given) => {
    expect(resolveType(given, TYPES).alias).toBe("web.summarize");
  },
);

test("a last part that two types share is not enough", () => {
  expect(() => resolveType("ShipOrder", TYPES)).toThrow(
    '"ShipOrder" could be any of shop.v1.ShipOrder, old.v1.ShipOrder',
  );
});

test("an alias that two types have is not enough, a full name is", () => {
  const twins = TYPES.map((type) => ({ ...type, alias: "twin" }));
  expect(() => resolveType("twin", twins)).toThrow(
    '"twin" could be any of millrace.tasks.v1.SummarizePage, shop.v1.ShipOrder, old.v1.ShipOrder',
  );
  expect(resolveType("old.v1.ShipOrder", twins).name).toBe("old.v1.ShipOrder");
});

test("an unknown type is answered with the nearest one and all that are known", () => {
  expect(() => resolveType("SumarizePage", TYPES)).toThrow(
    'there is no task type "SumarizePage" (did you mean "SummarizePage"?); known: web.summarize, ',
  );
  expect(() => resolveType("zzz", TYPES)).toThrow(
    'there is no task type "zzz"; known: web.summarize, shop.v1.ShipOrder, old.v1.ShipOrder',
  );
});

test("before any worker has announced a type, waiting may help", () => {
  expect(() => resolveType("web.summarize", [])).toThrow(expect.objectContaining({ exitCode: 4 }));
});
