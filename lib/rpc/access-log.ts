import { Code, ConnectError, type Interceptor } from "@connectrpc/connect";
import type { Log } from "#lib/process/log.ts";
import { aroundCalls } from "./around-calls.ts";
import { codeOf, endOf } from "./call-code.ts";
import { callerOf } from "./caller.ts";

type Level = "debug" | "info" | "warn";
type Request = Parameters<ReturnType<Interceptor>>[0];

/** Ours to mend, hence worth waking someone. */
const OUR_FAULT: ReadonlySet<Code> = new Set([Code.Internal, Code.Unknown, Code.DataLoss]);

function levelOf(error: unknown): Level {
  const code = error === undefined ? Code.Canceled : codeOf(error);
  if (OUR_FAULT.has(code)) return "warn";
  return code === Code.Canceled ? "debug" : "info";
}

/** Writes one line per call, when it is over. Runs outside the error translation, so that it sees what the caller sees. */
export function accessLog(log: Log, now: () => number = () => performance.now()): Interceptor {
  return aroundCalls((request) => {
    const startMs = now();
    return (error) => write(log, request, now() - startMs, error);
  });
}

function write(log: Log, request: Request, durationMs: number, error: unknown): void {
  const level = levelOf(error);
  if (!log.isLevelEnabled(level)) return;
  const { parent, name } = request.method;
  const fields = {
    method: `${parent.typeName}/${name}`,
    code: endOf(error),
    durationMs: Math.round(durationMs * 10) / 10,
    peer: callerOf(request).peer,
  };
  log[level]({ ...fields, ...faultOf(error) }, "call over");
}

/** The text for callers says little; the cause has the stack. */
function faultOf(error: unknown): { err?: unknown; reason?: string } {
  if (!(error instanceof ConnectError)) return {};
  return OUR_FAULT.has(error.code) ? { err: error.cause ?? error } : { reason: error.rawMessage };
}
