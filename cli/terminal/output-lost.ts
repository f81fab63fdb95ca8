import { ExitCode } from "../exit-code.ts";
import { tell } from "./output.ts";

/**
 * Ends the program when its output can't be written any more: whoever read it has hung up (`millrace watch | head`), or it
 * goes to a file on a full disk. What has to stop in order is asked to, as by a signal; all else ends at once. What is said
 * on standard error may be lost: it says nothing that the exit code does not.
 */
export function endWithOutput(): void {
  let isLost = false;
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    // Each further write fails again.
    if (isLost) return;
    isLost = true;
    const hungUp = error.code === "EPIPE";
    if (!hungUp) tell(`error: can't write the output: ${error.message}`);
    const exitCode = hungUp ? ExitCode.OUTPUT_CLOSED : ExitCode.FAILED;
    process.once("exit", () => {
      process.exitCode = exitCode;
    });
    if (!process.emit("SIGTERM", "SIGTERM")) process.exit();
  });
  process.stderr.on("error", () => {});
}
