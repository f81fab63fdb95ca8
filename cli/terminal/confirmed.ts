import { createInterface } from "node:readline/promises";
import { escaped } from "#lib/process/escaped.ts";
import { endBySignal } from "#lib/process/stop-signals.mjs";

/** Asks the user at the terminal. No answer (Ctrl-D) is no; Ctrl-C ends the program. */
export async function confirmed(question: string): Promise<boolean> {
  using terminal = createInterface({ input: process.stdin, output: process.stderr });
  // Readline takes the key, so that no signal comes of it.
  terminal.once("SIGINT", () => {
    process.stderr.write("\n");
    endBySignal("SIGINT");
  });
  try {
    return /^y(es)?$/i.test((await terminal.question(`${escaped(question)} [y/N] `)).trim());
  } catch {
    process.stderr.write("\n");
    return false;
  }
}
