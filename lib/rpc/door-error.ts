import { StartupError } from "#lib/process/startup-error.ts";

const REMEDIES: Readonly<Record<string, string>> = {
  EADDRINUSE:
    "the port is taken; stop the program that has it, or choose another port (0 = any free one)",
  EACCES: "this user may not open the port; choose one above 1023",
  EADDRNOTAVAIL:
    "this machine does not have that address; choose one that it has, or 0.0.0.0 for all",
  ENOTFOUND: "no address is known for that host; choose a name or an address of this machine",
  EAI_AGAIN: "the host's address can't be looked up now; choose an address instead of a name",
};

function remedyFor(cause: unknown): string {
  const code = cause instanceof Error && "code" in cause ? String(cause.code) : "";
  return REMEDIES[code] ?? (cause instanceof Error ? cause.message : String(cause));
}

/** Thrown when a port can't be opened; the message tells people what to do. */
export class DoorError extends StartupError {
  override name = "DoorError";

  constructor(address: string, { cause }: { readonly cause: unknown }) {
    super(`can't listen on ${address}: ${remedyFor(cause)}`, { cause });
  }
}
