import { status } from "@grpc/grpc-js";
import { expect, test } from "vitest";
import { askPatiently } from "../../../bench/systems/millrace/ask-patiently.ts";

const failing = (...codes: readonly (number | undefined)[]) => {
  const left = [...codes];
  return async () => {
    if (left.length > 0) throw Object.assign(new Error("failed"), { code: left.shift() });
    return "answer";
  };
};

test("a caller asks again until the system is there again", async () => {
  let again = 0;
  const ask = failing(status.UNAVAILABLE, undefined);
  const onAgain = () => {
    again += 1;
  };
  expect(await askPatiently(ask, onAgain)).toBe("answer");
  expect(again).toBe(2);
});

test("what the caller does wrong does not get better by asking again", async () => {
  const ask = failing(status.INVALID_ARGUMENT);
  await expect(askPatiently(ask, () => {})).rejects.toThrow("failed");
});
