/** Thrown for what whoever starts the program can put right; its message says how. Shown without a stack. */
export class StartupError extends Error {
  override name = "StartupError";
}
