import { millrace } from "./millrace/system.ts";
import type { SystemUnderTest } from "./system.ts";

/** Millrace first, then those that it is measured beside. */
export const SYSTEMS: readonly [SystemUnderTest, ...SystemUnderTest[]] = [millrace];
