/** Queue of a task that names none. */
export const DEFAULT_QUEUE = "default";

/** Largest input that travels with its task, in bytes. */
export const MAX_INPUT_BYTES = 64 * 1024;

/** Largest output that a task keeps, in bytes. */
export const MAX_OUTPUT_BYTES = 64 * 1024;

/** Limit of one attempt where neither the task nor its type sets one, in milliseconds. */
export const DEFAULT_ATTEMPT_TIMEOUT_MS = 5 * 60_000;

/** Silence after which a watch sends a keep-alive, in milliseconds. */
export const KEEP_ALIVE_MS = 10_000;

/** Largest checkpoint that an attempt may save, in bytes of JSON. */
export const MAX_CHECKPOINT_BYTES = 16 * 1024;
