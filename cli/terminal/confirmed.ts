import { createInterface } from "node:readline/promises";
import { escaped } from "#lib/process/escaped.ts";

/** Asks whoever sits at the terminal. No answer, such as Ctrl-C, is no. */
export async function confirmed(question: string): Promise<boolean> {
  using terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return /^y(es)?$/i.test((await terminal.question(`${escaped(question)} [y/N] `)).trim());
  } catch {
    process.stderr.write("\n");
    return false;
  }
}
