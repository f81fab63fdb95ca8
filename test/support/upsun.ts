import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parse } from "yaml";

/** What our tests look at of .upsun/config.yaml; the Upsun CLI checks its whole shape (scripts/validate-upsun.mjs). */
export interface UpsunConfig {
  readonly applications: Readonly<Record<string, UpsunApp>>;
  readonly services?: Readonly<Record<string, { readonly type: string }>>;
  readonly routes: Readonly<Record<string, UpsunRoute>>;
}

export interface UpsunApp {
  readonly type: string;
  readonly source: { readonly root: string };
  readonly build: { readonly flavor: string };
  readonly hooks: { readonly build: string };
  readonly relationships?: Readonly<
    Record<string, { readonly service: string; readonly endpoint: string }>
  >;
  readonly mounts?: Readonly<Record<string, { readonly source: string }>>;
  readonly variables: { readonly env: Readonly<Record<string, string>> };
  readonly web: {
    readonly commands: { readonly start: string; readonly post_start: string };
    readonly locations: Readonly<
      Record<string, { readonly request_buffering: { readonly enabled: boolean } }>
    >;
  };
}

interface UpsunRoute {
  readonly type: string;
  readonly upstream?: string;
  readonly to?: string;
  readonly cache?: { readonly enabled: boolean };
}

/** The repository. */
export const ROOT = fileURLToPath(new URL("../../", import.meta.url));

/** The shell that Upsun runs hooks and commands with, or the nearest thing here. */
export const SHELL = ["dash", "sh"].find((shell) => runs(shell)) ?? "sh";

function runs(shell: string): boolean {
  return spawnSync(shell, ["-c", ":"]).status === 0;
}

export function readUpsunConfig(): UpsunConfig {
  return parse(readFileSync(join(ROOT, ".upsun/config.yaml"), "utf8")) as UpsunConfig;
}

export function upsunApp(name: string): UpsunApp {
  const app = readUpsunConfig().applications[name];
  if (app === undefined) throw new Error(`.upsun/config.yaml has no app ${name}`);
  return app;
}

/** A variable that the app is given. */
export function variableOf(name: string, key: string): string {
  const value = upsunApp(name).variables.env[key];
  if (value === undefined) throw new Error(`.upsun/config.yaml gives ${name} no ${key}`);
  return value;
}
