import { type ChildProcess, spawn } from "node:child_process";

const READ_THEN_KILL = 'read -r _; kill -TERM "$0"';

/**
 * Ends a child should we die, however that happens: we hold one end of a pipe, a shell reads the other, and the system
 * closes ours with us. No exit handler could do that after a SIGKILL; and services that watch their own input would end
 * by mistake wherever they are started without one.
 */
export function endWithUs(child: ChildProcess): void {
  const guard = spawn("/bin/sh", ["-c", READ_THEN_KILL, String(child.pid)], {
    stdio: ["pipe", "ignore", "ignore"],
    detached: true,
  });
  guard.on("error", () => {});
  // Gone with the child, before its process id can be another's.
  child.once("exit", () => guard.kill("SIGKILL"));
}
