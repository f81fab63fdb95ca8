import { glob, rename, rm, stat } from "node:fs/promises";
import { join, normalize, resolve } from "node:path";
import { inject } from "vitest";
import type { TestProject } from "vitest/node";
import { build, builtFile } from "../../scripts/build.ts";

declare module "vitest" {
  interface ProvidedContext {
    /** The folder of the built programs. */
    programs: string;
  }
}

/** What tests start by the hundred. */
const MAINS = [
  "services/gateway/main.ts",
  "services/worker/main.ts",
  "services/monitor/main.ts",
  "cli/main.ts",
  "test/support/gated-worker/main.ts",
  "test/support/hostile-worker/main.ts",
  "test/support/primes-worker/main.ts",
  "test/support/scripted-worker/main.ts",
];
const SOURCES = [
  "package-lock.json",
  "{cli,deploy,gen,lib,scripts,services}/**",
  "test/support/**",
];
/** Below node_modules, where a program finds the packages that are not built in. */
const FOLDER = resolve("node_modules/.cache/millrace/programs");

/** Builds them, unless they are as new as their sources: starts are most of what the tests cost. */
export async function setup(project: TestProject): Promise<void> {
  const sourcesMs = await newestOf(SOURCES);
  const builtMs = await changedMs(FOLDER).catch(() => 0);
  if (builtMs < sourcesMs) await rebuild();
  project.provide("programs", FOLDER);
}

/** The file to start for a main file: what was built of it; itself if nothing was. */
export function programOf(main: string): string {
  const path = normalize(main);
  return MAINS.includes(path) ? join(inject("programs"), builtFile(path)) : main;
}

/** Whoever runs one of the old ones meanwhile has them, or the new ones, whole. */
async function rebuild(): Promise<void> {
  const made = `${FOLDER}-${process.pid}`;
  const old = `${made}-old`;
  await build(MAINS, made);
  await rename(FOLDER, old).catch(() => {});
  await rename(made, FOLDER);
  await rm(old, { recursive: true, force: true });
}

async function newestOf(patterns: readonly string[]): Promise<number> {
  let newest = 0;
  for await (const path of glob(patterns)) newest = Math.max(newest, await changedMs(path));
  return newest;
}

async function changedMs(path: string): Promise<number> {
  return (await stat(path)).mtimeMs;
}
