import { spawnSync } from "node:child_process";

/** As root of its own, which needs Linux with user namespaces. */
const UNSHARE = ["unshare", "--user", "--map-root-user"];

/** A command that does something as the process that then becomes the service; `$0` is the argument. */
function first(script: string, argument = "-"): string[] {
  return ["/bin/sh", "-c", `${script} && exec "$@"`, argument];
}

/** Every mount is read-only, and that is tried out. */
const READ_ONLY = `
  for at in $(cut -d " " -f 5 /proc/self/mountinfo); do
    mount -o remount,bind,ro "$at" || mount -o remount,bind,ro,nosuid,nodev,noexec "$at"
  done 2>/dev/null
  for folder in . /tmp /var/tmp /dev/shm "$0"; do ! touch "$folder/probe" 2>/dev/null || exit 1; done`;

export function onReadOnlyDisk(home: string): string[] {
  return [...UNSHARE, "--mount", ...first(READ_ONLY, home)];
}

/** Written where the kernel has it, for the command "hostname" takes only names that DNS does. */
export function onHost(name: string): string[] {
  const set = 'perl -e "syscall(170, \\$ARGV[0], length \\$ARGV[0]) && exit 1" "$0"';
  return [...UNSHARE, "--uts", ...first(set, name)];
}

/** A user without a name, a group and a home, as some platforms make them up. */
export const AS_UNKNOWN_USER = ["unshare", "--user", "--map-user=54321"];

/** No more open files than this, and no right to ask for more. */
export function withOpenFiles(most: number): string[] {
  return first('ulimit -n "$0"', String(most));
}

/** Without IPv4, not even on loopback; for all that is to talk to each other there. */
export const ON_IPV6_ONLY = [
  ...UNSHARE,
  "--net",
  ...first("ip link set lo up && ip addr del 127.0.0.1/8 dev lo"),
];

/** Why a command can't be had on this machine; undefined if it can. */
export function whyNot(command: readonly string[]): string | undefined {
  const [bin = "", ...args] = [...command, "true"];
  const { status, error, stderr } = spawnSync(bin, args, { encoding: "utf8" });
  if (status === 0) return undefined;
  return `${command.slice(0, 4).join(" ")}: ${error?.message ?? (stderr.trim() || `exit ${status}`)}`;
}
