import { readFile } from "node:fs/promises";
import { create } from "@bufbuild/protobuf";
import { anyPack, Int32ValueSchema } from "@bufbuild/protobuf/wkt";
import { expect, test } from "vitest";
import { historyOf, outputOf, System, statesOf, typesKnown } from "#test/support/system.ts";

const EXAMPLE = "test/support/primes-worker";

test("the example of the page on task types does what the page says", async () => {
  const page = await readFile("docs/task-types.md", "utf8");
  const [, code = "no code"] = /```ts\n(.*?)```/s.exec(page) ?? [];
  expect(await readFile(`${EXAMPLE}/count-primes.ts`, "utf8")).toContain(code);

  await using system = await System.start();
  const gateway = await system.gateway();
  await system.worker({}, `${EXAMPLE}/main.ts`);
  await typesKnown(gateway);
  const count = async (value: number) => {
    const input = anyPack(Int32ValueSchema, create(Int32ValueSchema, { value }));
    const spec = { input, attemptSoftTimeout: { seconds: 2n } };
    const { task } = await gateway.client.submitTask({ spec });
    const events = await historyOf(gateway, task?.id ?? "");
    expect(statesOf(events)).toEqual(["RUNNING 1", "SUCCEEDED 1"]);
    return outputOf((await gateway.client.getTask({ taskId: task?.id ?? "" })).task);
  };
  expect(await count(100)).toBe("25 primes below 101");
  const [, found, below] =
    /(\d+) primes below (\d+)/.exec((await count(2_000_000_000)) ?? "") ?? [];
  expect(Number(found)).toBeGreaterThan(100);
  expect(Number(below)).toBeLessThan(2_000_000_000);
});
