/**
 * Milliseconds on the machine's monotonic clock, which every process reads alike, in whatever language: what one stamps,
 * another may subtract.
 */
export function nowMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}
