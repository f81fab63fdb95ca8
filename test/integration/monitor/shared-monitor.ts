import { test } from "vitest";
import { throwIfExited } from "#test/support/shared-system.ts";
import { WatchedSystem } from "./watched-system.ts";

/**
 * For the tests of a file that don't mind each other: one monitor for all of them. What they write to its system, they
 * take back.
 */
export const testOnSharedMonitor = test
  .extend("settings", { scope: "file" }, {})
  .extend("system", { scope: "file" }, async ({ settings: _ }, { onCleanup }) => {
    const system = await WatchedSystem.start();
    onCleanup(() => system[Symbol.asyncDispose]());
    return system;
  })
  .extend("monitor", { scope: "file" }, async ({ system }, { onCleanup }) => {
    const monitor = await system.monitor();
    onCleanup(() => throwIfExited(monitor.service));
    return monitor;
  });
