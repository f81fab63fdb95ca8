import * as fc from "fast-check";

/** One change of some bytes; `at` is a place, from 0 to 1, of however many there are. */
export interface Damage {
  readonly kind: "flip" | "cut" | "insert" | "repeat" | "drop";
  readonly at: number;
  readonly bytes: Uint8Array;
}

const LONGEST_REPEAT = 64;

/** Mostly none. */
export const damages: fc.Arbitrary<readonly Damage[]> = fc.oneof(
  { weight: 2, arbitrary: fc.constant([]) },
  {
    weight: 1,
    arbitrary: fc.array(
      fc.record({
        kind: fc.constantFrom("flip", "cut", "insert", "repeat", "drop"),
        at: fc.double({ min: 0, max: 1, noNaN: true }),
        bytes: fc.uint8Array({ minLength: 1, maxLength: 8 }),
      }),
      { minLength: 1, maxLength: 3 },
    ),
  },
);

export function damaged(bytes: Uint8Array, all: readonly Damage[]): Buffer {
  return all.reduce<Buffer>(change, Buffer.from(bytes));
}

function change(before: Buffer, { kind, at, bytes }: Damage): Buffer {
  const place = Math.floor(at * before.length);
  const [head, tail] = [before.subarray(0, place), before.subarray(place)];
  switch (kind) {
    case "cut":
      return head;
    case "drop":
      return Buffer.concat([head, tail.subarray(bytes.length)]);
    case "insert":
      return Buffer.concat([head, bytes, tail]);
    case "repeat":
      return Buffer.concat([head, tail.subarray(0, LONGEST_REPEAT), tail]);
    case "flip":
      return Buffer.concat([head, bytes, tail.subarray(bytes.length)]);
    default:
      kind satisfies never;
      return before;
  }
}
