import { Code, createClient } from "@connectrpc/connect";
import { expect, test } from "vitest";
import { Health } from "#gen/grpc/health/v1/health_pb.ts";
import { errorOf, KEEP_ALIVE, type Scene } from "./scene.ts";

const MIB = 2 ** 20;

/** Calls that run as they should, and those that can't run at all. */
export function answers(scene: Scene): void {
  test("a unary call is answered", async () => {
    const { task } = await scene.tasks.getTask({ taskId: "plain" });
    expect(task?.id).toBe("plain");
  });

  test("a stream's messages arrive one by one, as they are made", async () => {
    const gates = [1, 2, 3].map(() => Promise.withResolvers<void>());
    scene.stage.onWatch("live", async function* () {
      for (const gate of gates) {
        yield KEEP_ALIVE;
        await gate.promise;
      }
    });
    let seen = 0;
    for await (const { update } of scene.tasks.watchTask({ taskId: "live" })) {
      expect(update?.kind.case).toBe("keepAlive");
      gates[seen++]?.resolve();
    }
    expect(seen).toBe(3);
  });

  test("a stream may end without a message", async () => {
    scene.stage.onWatch("empty", async function* () {});
    const messages = await Array.fromAsync(scene.tasks.watchTask({ taskId: "empty" }));
    expect(messages).toEqual([]);
  });

  test("metadata goes both ways, binary included", async () => {
    const heard = Promise.withResolvers<Headers>();
    scene.stage.onGet("metadata", ({ requestHeader, responseHeader, responseTrailer }) => {
      heard.resolve(requestHeader);
      responseHeader.set("x-head", "h");
      responseTrailer.set("x-tail-bin", "AQID");
      return {};
    });
    const told = new Headers();
    const take = (given: Headers) => given.forEach((value, key) => void told.set(key, value));
    const headers = { "x-ask": "a", "x-ask-bin": "BAUG" };
    await scene.tasks.getTask({ taskId: "metadata" }, { headers, onHeader: take, onTrailer: take });
    expect((await heard.promise).get("x-ask")).toBe("a");
    expect((await heard.promise).get("x-ask-bin")).toBe("BAUG");
    expect(told.get("x-head")).toBe("h");
    expect(told.get("x-tail-bin")).toBe("AQID");
  });

  test("a request above 4 MiB is RESOURCE_EXHAUSTED, and the next one is served", async () => {
    const labels = { big: "x".repeat(5 * MIB) };
    const error = await errorOf(scene.tasks.submitTask({ spec: { labels } }));
    expect(error.code).toBe(Code.ResourceExhausted);
    const { task } = await scene.tasks.getTask({ taskId: "plain" });
    expect(task?.id).toBe("plain");
  });

  test("an answer above 4 MiB is RESOURCE_EXHAUSTED", async () => {
    scene.stage.onGet("big", () => ({ task: { id: "x".repeat(5 * MIB) } }));
    const error = await errorOf(scene.tasks.getTask({ taskId: "big" }));
    expect(error.code).toBe(Code.ResourceExhausted);
  });

  test("a method that is not implemented is UNIMPLEMENTED", async () => {
    const error = await errorOf(scene.tasks.cancelTask({ taskId: "a" }));
    expect(error.code).toBe(Code.Unimplemented);
  });

  test("so is a service that is not served", async () => {
    const error = await errorOf(createClient(Health, scene.caller.transport).check({}));
    expect(error.code).toBe(Code.Unimplemented);
  });
}
