import { setFlagsFromString } from "node:v8";
import type { ResourceLimits } from "node:worker_threads";

/** What a process may be started with, on the command line or by NODE_OPTIONS, that comes before a thread's own limits. */
const HEAP_FLAGS = ["--max-old-space-size", "--max-semi-space-size", "--max-heap-size"];

/** For a thread that may take so much heap, and is to end without its process when it takes more. */
export function threadLimits(heapMb: number): ResourceLimits {
  // V8 reads these for each heap that it makes. That of the process was made at its start, and keeps what they said.
  for (const flag of HEAP_FLAGS) setFlagsFromString(`${flag}=0`);
  return {
    maxOldGenerationSizeMb: heapMb,
    // At its limit a thread gets 16 MB more, to be stopped in. Were a young generation larger, its survivors alone
    // could take more than that, and V8 would end the process.
    maxYoungGenerationSizeMb: 16,
  };
}
