import { JetStreamApiCodes, JetStreamApiError } from "@nats-io/jetstream";
import { ask } from "./ask.ts";
import type { Link } from "./link.ts";
import { SourceMissing } from "./source-missing.ts";

/** Asks the broker; where somebody has deleted by hand what was asked for, puts it back first. */
export async function mended<T>(link: Link, request: () => Promise<T>): Promise<T> {
  try {
    return await request();
  } catch (error) {
    if (!isMissing(error)) throw error;
    await ask(link.repair());
    return request();
  }
}

function isMissing(error: unknown): boolean {
  if (error instanceof SourceMissing) return true;
  return error instanceof JetStreamApiError && error.code === JetStreamApiCodes.StreamNotFound;
}
