import type { Load, LoadResult } from "./load.ts";

/** What the benchmark tells its client process, one order at a time. */
export type Order =
  | { readonly do: "load"; readonly load: Load }
  /** Hand over the ids of all tasks that were accepted. */
  | { readonly do: "tell accepted" };

/** What the client answers to an order. */
export type Answer =
  | { readonly did: "opened" }
  | { readonly did: "load"; readonly result: LoadResult }
  | { readonly did: "tell accepted"; readonly ids: readonly string[] }
  | { readonly did: "fail"; readonly error: string };
