import { StartupError } from "#lib/process/startup-error.ts";
import { errorMessage } from "#lib/task/error-message.ts";

interface Remedy {
  readonly text: string;
  /** What has to be set to another value. */
  readonly change?: "port" | "host";
}

const REMEDIES: Readonly<Record<string, Remedy>> = {
  EADDRINUSE: {
    text: "the port is taken; stop the program that has it, or choose another port (0 = any free one)",
    change: "port",
  },
  EACCES: { text: "this user may not open the port; choose one above 1023", change: "port" },
  EADDRNOTAVAIL: {
    text: "this machine does not have that address; choose one that it has, or 0.0.0.0 for all",
    change: "host",
  },
  ENOTFOUND: {
    text: "no address is known for that host; choose a name or an address of this machine",
    change: "host",
  },
  EAI_AGAIN: {
    text: "the host's address can't be looked up now; choose an address instead of a name",
    change: "host",
  },
  EMFILE: { text: "this process may open no more files; raise its limit (ulimit -n)" },
};

const HOST_VARIABLE = "MILLRACE_HOST";

interface DoorErrorOptions {
  readonly cause: unknown;
  /** The variable or flag that the port comes from. */
  readonly portSetting?: string | undefined;
  /** The same of the host; none: its variable. */
  readonly hostSetting?: string | undefined;
}

function remedyFor({ cause, portSetting, hostSetting = HOST_VARIABLE }: DoorErrorOptions): string {
  const code = cause instanceof Error && "code" in cause ? String(cause.code) : "";
  const remedy = REMEDIES[code];
  if (!remedy) return errorMessage(cause);
  const setting = remedy.change && { host: hostSetting, port: portSetting }[remedy.change];
  return setting === undefined ? remedy.text : `${remedy.text}: set ${setting}`;
}

/** Thrown when a port can't be opened; the message tells people what to do. */
export class DoorError extends StartupError {
  override name = "DoorError";

  constructor(address: string, options: DoorErrorOptions) {
    super(`can't listen on ${address}: ${remedyFor(options)}`, { cause: options.cause });
  }
}
