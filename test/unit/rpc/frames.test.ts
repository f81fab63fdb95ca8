import { Code } from "@connectrpc/connect";
import { describe, expect, test } from "vitest";
import { Frames } from "#lib/rpc/frames.ts";
import { enveloped } from "#test/support/raw-http.ts";

const MESSAGES = Buffer.concat([
  enveloped(Buffer.alloc(0)),
  enveloped(Buffer.alloc(300, 7)),
  enveloped(Buffer.alloc(3), 1),
]);

/** The bytes in pieces of the size, as a network may deliver them. */
function framesOf(bytes: Buffer, size: number): Frames {
  const frames = new Frames(true);
  for (let at = 0; at < bytes.length; at += size) frames.add(bytes.subarray(at, at + size));
  return frames;
}

describe.each([1, 2, 5, 7, 1000])(
  "the frames of a request that comes in pieces of %i bytes",
  (size) => {
    test("are whole, or cut off", () => {
      expect(framesOf(MESSAGES, size).end()).toBeUndefined();
      for (const cut of [1, 4, 9, 100, MESSAGES.length - 1])
        expect(framesOf(MESSAGES.subarray(0, cut), size).end()?.code).toBe(Code.InvalidArgument);
    });

    test("are refused for the flags of any of them", () => {
      const bad = Buffer.concat([MESSAGES, enveloped(Buffer.alloc(9), 2), MESSAGES]);
      expect(framesOf(bad, size).fault?.rawMessage).toContain("flags are 2;");
    });
  },
);

test("more frames than a request may have are refused, however small they are", () => {
  const empty = enveloped(Buffer.alloc(0));
  const most = Buffer.concat(Array.from({ length: 10_000 }, () => empty));
  expect(framesOf(most, 1_000).end()).toBeUndefined();
  expect(framesOf(Buffer.concat([most, empty]), 1_000).fault?.code).toBe(Code.ResourceExhausted);
});
