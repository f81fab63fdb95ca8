import { StartupError } from "./startup-error.ts";

/** Thrown when settings, each allowed by itself, don't go together, or what they name is wrong. */
export class SetupError extends StartupError {
  override name = "SetupError";
}
