import { spawn } from "node:child_process";
import { once } from "node:events";
import { programOf } from "./programs.ts";

export interface Printed {
  readonly code: number | null;
  /** Standard output and error. */
  readonly output: string;
}

/** Runs a main file with Node to its end; one that prints the text `until` is asked to stop. */
export async function printedBy(
  [main = "", ...args]: readonly string[],
  env: NodeJS.ProcessEnv,
  until = "\0",
): Promise<Printed> {
  const child = spawn(process.execPath, [programOf(main), ...args], {
    env: { PATH: process.env["PATH"], ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => {
      const isNew = !output.includes(until);
      output += text;
      // Once, for a second signal would end it at once.
      if (isNew && output.includes(until)) child.kill("SIGTERM");
    });
  }
  const [code] = await once(child, "close");
  return { code, output };
}
