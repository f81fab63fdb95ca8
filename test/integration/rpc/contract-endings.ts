import { randomBytes } from "node:crypto";
import { type CallOptions, Code } from "@connectrpc/connect";
import { expect, test } from "vitest";
import type { WatchTaskResponse } from "#gen/millrace/v1/task_service_pb.ts";
import { aborted } from "#lib/async/abort.ts";
import { drain, errorOf, KEEP_ALIVE, type Scene } from "./scene.ts";
import { openWire } from "./wire.ts";

// Random, or else compression would shrink it to nothing.
const BULK = new Uint8Array(randomBytes(65_536));

function bulk(sequence: number) {
  const output = { content: { case: "data", value: BULK } } as const;
  const event = { sequence: BigInt(sequence), facet: { case: "output", value: output } } as const;
  return { update: { kind: { case: "event", value: event } } } as const;
}

function sequenceOf({ value }: IteratorResult<WatchTaskResponse>): bigint | undefined {
  const kind = value?.update?.kind;
  return kind?.case === "event" ? kind.value.sequence : undefined;
}

/** Calls until a handler was entered before the deadline passed; each call must end by it. Resolves with the handler's signal. */
async function endedByDeadline(
  call: (options: CallOptions) => Promise<unknown>,
  entered: () => AbortSignal | undefined,
): Promise<AbortSignal> {
  for (;;) {
    expect((await errorOf(call({ timeoutMs: 50 }))).code).toBe(Code.DeadlineExceeded);
    const signal = entered();
    if (signal) return signal;
  }
}

/** Calls that end before their handler would have ended them. */
export function endings(scene: Scene): void {
  test("a deadline ends a unary call whose handler ignores it", async () => {
    let entered: AbortSignal | undefined;
    scene.stage.onGet("deaf", ({ signal }) => {
      entered = signal;
      return new Promise(() => {});
    });
    const call = (options: CallOptions) => scene.tasks.getTask({ taskId: "deaf" }, options);
    await aborted(await endedByDeadline(call, () => entered));
  });

  test("a deadline ends a stream whose handler ignores it", async () => {
    let entered: AbortSignal | undefined;
    scene.stage.onWatch("deaf", async function* ({ signal }) {
      yield KEEP_ALIVE;
      entered = signal;
      await new Promise(() => {});
    });
    const call = (options: CallOptions) =>
      drain(scene.tasks.watchTask({ taskId: "deaf" }, options));
    await aborted(await endedByDeadline(call, () => entered));
  });

  test("canceling a unary call reaches the handler, whose AbortError is no fault of ours", async () => {
    const caller = new AbortController();
    scene.stage.onGet("canceled", async ({ signal }) => {
      caller.abort();
      await aborted(signal);
      throw new DOMException("aborted", "AbortError");
    });
    const error = await errorOf(scene.tasks.getTask({ taskId: "canceled" }, caller));
    expect(error.code).toBe(Code.Canceled);
    await scene.stage.logged(
      ({ code, method }) => code === "CANCELED" && String(method).endsWith("/GetTask"),
    );
  });

  test("canceling a stream stops a generator that is parked on its signal", async () => {
    const stopped = Promise.withResolvers<void>();
    scene.stage.onWatch("parked", async function* ({ signal }) {
      try {
        yield KEEP_ALIVE;
        await aborted(signal);
      } finally {
        stopped.resolve();
      }
    });
    const caller = new AbortController();
    const reading = (async () => {
      for await (const _ of scene.tasks.watchTask({ taskId: "parked" }, caller)) caller.abort();
    })();
    expect((await errorOf(reading)).code).toBe(Code.Canceled);
    await stopped.promise;
  });

  test("a client that is killed without goodbye stops the generator", async () => {
    await using wire = await openWire(scene.door.port);
    using doomed = scene.callerOf(wire.port);
    const stopped = Promise.withResolvers<void>();
    scene.stage.onWatch("killed", async function* ({ signal }) {
      try {
        yield KEEP_ALIVE;
        await aborted(signal);
      } finally {
        stopped.resolve();
      }
    });
    const reading = (async () => {
      for await (const _ of doomed.tasks.watchTask({ taskId: "killed" })) wire.cut();
    })();
    await expect(reading).rejects.toThrow();
    await stopped.promise;
  });

  test("a reader that stalls stops the generator, and finds every message when it goes on", async () => {
    await using wire = await openWire(scene.door.port);
    using stalled = scene.callerOf(wire.port);
    const stopped = Promise.withResolvers<void>();
    let made = 0;
    scene.stage.onWatch("bulk", async function* () {
      try {
        while (made < 4000) yield bulk(made++);
      } finally {
        stopped.resolve();
      }
    });
    const reader = stalled.tasks.watchTask({ taskId: "bulk" })[Symbol.asyncIterator]();
    expect(sequenceOf(await reader.next())).toBe(0n);
    // Whole round trips in which nothing more was made: it has come to rest.
    for (let quiet = 0, before = made; quiet < 20; quiet = made === before ? quiet + 1 : 0) {
      before = made;
      await scene.tasks.getTask({ taskId: "plain" });
    }
    const restedAt = made;
    expect(restedAt).toBeLessThan(1000);
    for (let sequence = 1n; sequence < restedAt; sequence++) {
      expect(sequenceOf(await reader.next())).toBe(sequence);
    }
    await reader.next();
    expect(made).toBeGreaterThan(restedAt);
    // Killed while its generator waits for it.
    wire.cut();
    await stopped.promise;
  });
}
