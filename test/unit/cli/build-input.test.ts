import { type JsonObject, toJson } from "@bufbuild/protobuf";
import { AnySchema } from "@bufbuild/protobuf/wkt";
import { expect, test } from "vitest";
import { buildInput, givenInput } from "#cli/task-types/build-input.ts";
import { taskTypesOf } from "#cli/task-types/task-types.ts";
import { SHIP_ORDER } from "./ship-order.ts";

const { registry } = taskTypesOf([SHIP_ORDER]);

function built(...args: string[]) {
  const any = buildInput(SHIP_ORDER, givenInput(args), registry);
  const { "@type": _, ...fields } = toJson(AnySchema, any, { registry }) as JsonObject;
  return fields;
}

test("pairs become what their fields are: numbers, booleans, lists, enums, inner messages", () => {
  expect(
    built(
      "order_id=9007199254740993",
      "fragile=true",
      "items=a=b",
      "items=c",
      "to.street_name=Mill Lane",
      "speed=next-day",
    ),
  ).toEqual({
    orderId: "9007199254740993",
    fragile: true,
    items: ["a=b", "c"],
    to: { streetName: "Mill Lane" },
    speed: "SPEED_NEXT_DAY",
  });
});

test("JSON may be given whole, and pairs win over it", () => {
  expect(built('{"orderId": 1, "items": ["a"]}', "orderId=2", 'items=["b","c"]')).toEqual({
    orderId: "2",
    items: ["a", "b", "c"],
  });
  expect(built('to={"streetName":"Mill Lane"}')).toEqual({ to: { streetName: "Mill Lane" } });
});

test("nothing given is an empty message", () => {
  expect(built()).toEqual({});
});

test.each([
  [["itmes=x"], 'ShipOrder has no field "itmes" (did you mean "items"?); fields: order_id, '],
  [['{"to": {"streat_name": "x"}}'], 'Address has no field "streat_name" (did you mean "street_n'],
  [["to.town=x"], 'Address has no field "town"; fields: street_name'],
  [["items.x=1"], '"items.x": items holds no single message with fields'],
  [['to={"street_name": 1}'], "to: street_name: expected string"],
  [["fragile=yes"], 'fragile: "yes" is neither true nor false'],
  [["speed=fast"], 'speed: there is no "fast"; allowed: unspecified, next_day, slow'],
  [["order_id=many"], "order_id: "],
  [["to={"], "to: this is not JSON: "],
  [['{"order_id": '], "input: this is not JSON: "],
  [["plain"], '"plain" is neither key=value nor JSON'],
  [["{}", "{}"], "more than one JSON input is given"],
  [["order_id=1", "order_id=1"], '"order_id" is given twice'],
  [["order_id=1", "orderId=2"], '"orderId" would replace "order_id"'],
  [["to.street_name=a", "to.street_name=b"], '"to.street_name" is given twice'],
  [["to.street_name=a", "to={}"], '"to" would replace "to.street_name"'],
  [["to={}", "to={}"], '"to" is given twice'],
  [['{"to": 1}', "to.street_name=a"], '"to" is given a value that has no members'],
])("%j is refused in words that help", (args, message) => {
  expect(() => built(...args)).toThrow(
    expect.objectContaining({ exitCode: 2, message: expect.stringContaining(message) }),
  );
});
