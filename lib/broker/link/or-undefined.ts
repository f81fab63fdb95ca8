import { JetStreamApiError } from "@nats-io/jetstream";

/** Waits for an answer; undefined where the broker refuses with this code. */
export async function orUndefined<T>(answer: Promise<T>, code: number): Promise<T | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof JetStreamApiError && error.code === code) return undefined;
    throw error;
  }
}
