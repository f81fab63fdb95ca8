import { expect, test } from "vitest";
import { historyOf, outputOf, System, scriptOf, statesOf } from "#test/support/system.ts";

/** The least that services accept of a broker. */
const LEAST_MAX_PAYLOAD = 128 * 1024;
const ALMOST_64_KIB = 65_000;

/** As many as are allowed, of the greatest length in the longest characters. */
function largestLabels(): Record<string, string> {
  const keys = Array.from({ length: 32 }, (_, index) => `k${index}`.padEnd(63, "x"));
  return Object.fromEntries(keys.map((key) => [key, "𝒳".repeat(256)]));
}

test("the largest task and the largest result go through a broker with the least max_payload", async () => {
  const extraConfig = { max_payload: LEAST_MAX_PAYLOAD };
  await using system = await System.start({}, { extraConfig });
  const { gateway } = await system.running();
  const filler = "x".repeat(ALMOST_64_KIB - 200);
  const input = scriptOf({ countTo: 0, failureCode: filler });
  const [large, long] = await Promise.all([
    gateway.client.submitTask({ spec: { input, labels: largestLabels() } }),
    gateway.client.submitTask({ spec: { input: scriptOf({ outputBytes: ALMOST_64_KIB }) } }),
  ]);
  for (const { task } of [large, long]) {
    const events = await historyOf(gateway, task?.id ?? "");
    expect(statesOf(events)).toEqual(["RUNNING 1", "SUCCEEDED 1"]);
  }
  const { task } = await gateway.client.getTask({ taskId: long.task?.id ?? "" });
  expect(outputOf(task)).toHaveLength(ALMOST_64_KIB);
});
