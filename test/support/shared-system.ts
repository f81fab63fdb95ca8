import { test } from "vitest";
import type { Service } from "./service.ts";
import { System } from "./system.ts";

type Env = Readonly<Record<string, string>>;

/**
 * For the tests of a file that don't mind each other: one system for all of them, which starts for the first that asks
 * for it and is gone after the last. Each test has ids of its own. One that stops, kills or configures a process starts
 * that itself, for queues that the shared worker, which serves `default` alone, has nothing to do with.
 */
export function testOnSharedSystem(env: Env = {}) {
  return test
    .extend("settings", { scope: "file" }, env)
    .extend("system", { scope: "file" }, async ({ settings }, { onCleanup }) => {
      const system = await System.start(settings);
      onCleanup(() => system[Symbol.asyncDispose]());
      return system;
    })
    .extend("running", { scope: "file" }, async ({ system }, { onCleanup }) => {
      const running = await system.running({ MILLRACE_QUEUES: "default" });
      onCleanup(() => {
        for (const { service } of Object.values(running)) throwIfExited(service);
      });
      return running;
    })
    .extend("gateway", { scope: "file" }, ({ running }) => running.gateway)
    .extend("worker", { scope: "file" }, ({ running }) => running.worker);
}

/** Else the tests that came after its end had another system than they think. */
export function throwIfExited(service: Service): void {
  if (!service.hasExited) return;
  throw new Error(`a process that tests share has ended: ${service.stderr}${service.tail()}`);
}
