import type { ResourceLimits } from "node:worker_threads";

/** For a thread that may take so much heap, and is to end without its process when it takes more. */
export function threadLimits(heapMb: number): ResourceLimits {
  return {
    maxOldGenerationSizeMb: heapMb,
    // At its limit a thread gets 16 MB more, to be stopped in. Were a young generation larger, its survivors alone
    // could take more than that, and V8 would end the process.
    maxYoungGenerationSizeMb: 16,
  };
}
