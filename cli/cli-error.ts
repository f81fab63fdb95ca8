import type { ExitCode } from "./exit-code.ts";

/** Ends the program with a line for people and a code for scripts. Shown without a stack. */
export class CliError extends Error {
  override name = "CliError";
  readonly exitCode: ExitCode;

  constructor(message: string, options: ErrorOptions & { readonly exitCode: ExitCode }) {
    super(message, options);
    this.exitCode = options.exitCode;
  }
}
