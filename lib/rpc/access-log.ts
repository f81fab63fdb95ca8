import { Code, ConnectError } from "@connectrpc/connect";
import type { Log } from "#lib/process/log.ts";
import type { BeginningCall, CallObserver } from "./around-calls.ts";
import { codeOf, endOf } from "./call-code.ts";
import { isCallersFault } from "./callers-fault.ts";

type Level = "debug" | "info" | "warn";

/** Ours to mend, hence worth waking someone. */
const OUR_FAULT: ReadonlySet<Code> = new Set([Code.Internal, Code.Unknown, Code.DataLoss]);

function isOurFault(error: unknown): boolean {
  return error !== undefined && !isCallersFault(error) && OUR_FAULT.has(codeOf(error));
}

function levelOf(error: unknown): Level {
  if (isOurFault(error)) return "warn";
  return error === undefined || codeOf(error) === Code.Canceled ? "debug" : "info";
}

/** Writes one line per call, when it is over. Sees what the caller sees, for errors are translated inside of it. */
export function accessLog(log: Log, now: () => number = () => performance.now()): CallObserver {
  return (call) => {
    const startMs = now();
    return (error) => write(log, call, now() - startMs, error);
  };
}

function write(log: Log, call: BeginningCall, durationMs: number, error: unknown): void {
  const level = levelOf(error);
  if (!log.isLevelEnabled(level)) return;
  const fields = {
    method: call.method,
    code: endOf(error),
    durationMs: Math.round(durationMs * 10) / 10,
    peer: call.peer,
  };
  log[level]({ ...fields, ...faultOf(error) }, "call over");
}

/** The text for callers says little; the cause has the stack. */
function faultOf(error: unknown): { err?: unknown; reason?: string } {
  if (!(error instanceof ConnectError)) return {};
  return isOurFault(error) ? { err: error.cause ?? error } : { reason: error.rawMessage };
}
