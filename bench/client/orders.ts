import type { Load, LoadResult } from "./load.ts";

/** What the benchmark tells its client process, one order at a time. */
export type Order =
  | { readonly do: "load"; readonly load: Load }
  /** The gateways, whose restart the client wanted, are ready again. */
  | { readonly do: "go on"; readonly killedAtMs: number }
  /** Hand over the ids of all tasks that were accepted. */
  | { readonly do: "tell accepted" };

/** What the client answers to an order; to a load, it may want a restart first. */
export type Answer =
  | { readonly did: "opened" }
  | { readonly did: "want restart" }
  | { readonly did: "load"; readonly result: LoadResult }
  | { readonly did: "tell accepted"; readonly ids: readonly string[] }
  | { readonly did: "fail"; readonly error: string };
