/** Something that whoever runs the benchmark can put right: told in a line, without a stack. */
export class BenchError extends Error {
  override name = "BenchError";
}
