import { Code } from "@connectrpc/connect";
import { expect, test } from "vitest";
import { drain, errorOf, KEEP_ALIVE, type Scene } from "./scene.ts";

/** What becomes of calls when their door leaves. */
export function leaving(scene: Scene): void {
  test("when the door leaves, streams end with UNAVAILABLE and unary calls finish", async () => {
    await using door = await scene.openDoor();
    using caller = scene.callerOf(door.port);
    const entered = Promise.withResolvers<void>();
    const finish = Promise.withResolvers<void>();
    scene.stage.onGet("slow", async () => {
      entered.resolve();
      await finish.promise;
      return { task: { id: "done" } };
    });
    const watching = Promise.withResolvers<void>();
    scene.stage.onWatch("endless", async function* () {
      yield KEEP_ALIVE;
      watching.resolve();
      await new Promise(() => {});
    });
    const unary = caller.tasks.getTask({ taskId: "slow" });
    const stream = errorOf(drain(caller.tasks.watchTask({ taskId: "endless" })));
    await Promise.all([entered.promise, watching.promise]);

    const left = door.leave();
    expect((await stream).code).toBe(Code.Unavailable);
    finish.resolve();
    expect((await unary).task?.id).toBe("done");
    await left;
    using late = scene.callerOf(door.port);
    await errorOf(late.tasks.getTask({ taskId: "plain" }));
  });

  test("a unary call that outlasts the grace ends with UNAVAILABLE", async () => {
    await using door = await scene.openDoor(20);
    using caller = scene.callerOf(door.port);
    const entered = Promise.withResolvers<AbortSignal>();
    scene.stage.onGet("endless", ({ signal }) => {
      entered.resolve(signal);
      return new Promise(() => {});
    });
    const unary = errorOf(caller.tasks.getTask({ taskId: "endless" }));
    const handlerSignal = await entered.promise;
    await door.leave();
    expect((await unary).code).toBe(Code.Unavailable);
    expect(handlerSignal.aborted).toBe(true);
  });
}
