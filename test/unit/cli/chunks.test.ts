import { create } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import { chunks, type Line } from "#cli/submit/chunks.ts";
import { SubmitTaskRequestSchema } from "#gen/millrace/v1/task_service_pb.ts";

async function sizesOf(count: number, bytes: number): Promise<number[]> {
  async function* lines(): AsyncGenerator<Line> {
    for (let number = 1; number <= count; number += 1) {
      const spec = { input: { value: new Uint8Array(bytes) } };
      yield { number, asked: create(SubmitTaskRequestSchema, { spec }) };
    }
  }
  const found = await Array.fromAsync(chunks(lines()));
  expect(found.flat().map(({ number }) => number)).toEqual(
    Array.from({ length: count }, (_, index) => index + 1),
  );
  return found.map(({ length }) => length);
}

test("a call takes 1,000 lines", async () => {
  expect(await sizesOf(2_001, 1)).toEqual([1_000, 1_000, 1]);
  expect(await sizesOf(0, 1)).toEqual([]);
});

test("a call takes no more than fits into one message, and one line at least", async () => {
  expect(await sizesOf(8, 2 ** 20)).toEqual([3, 3, 2]);
  expect(await sizesOf(2, 4 * 2 ** 20)).toEqual([1, 1]);
});
