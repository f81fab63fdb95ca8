import { Code, ConnectError, type Interceptor } from "@connectrpc/connect";
import type { Log } from "#lib/process/log.ts";
import { hooked, STOPPED } from "./call-stream.ts";
import { callerOf } from "./caller.ts";
import { codeName } from "./code-name.ts";

type Level = "debug" | "info" | "warn";
type Request = Parameters<ReturnType<Interceptor>>[0];

/** Ours to mend, hence worth waking someone. */
const OUR_FAULT: ReadonlySet<Code> = new Set([Code.Internal, Code.Unknown, Code.DataLoss]);

function codeOf(error: unknown): Code {
  return error === STOPPED ? Code.Canceled : ConnectError.from(error).code;
}

function levelOf(code: Code): Level {
  if (OUR_FAULT.has(code)) return "warn";
  return code === Code.Canceled ? "debug" : "info";
}

/** Writes one line per call, when it is over. Runs outside the error translation, so that it sees what the caller sees. */
export function accessLog(log: Log, now: () => number = () => performance.now()): Interceptor {
  return (next) => async (request) => {
    const startMs = now();
    const over = (error?: unknown) => write(log, request, now() - startMs, error);
    try {
      const response = await next(request);
      if (response.stream)
        return { ...response, message: hooked(response.message, { onEnd: over }) };
      over();
      return response;
    } catch (error) {
      over(error);
      throw error;
    }
  };
}

function write(log: Log, request: Request, durationMs: number, error: unknown): void {
  const code = error === undefined ? undefined : codeOf(error);
  const level = code === undefined ? "debug" : levelOf(code);
  if (!log.isLevelEnabled(level)) return;
  const { parent, name } = request.method;
  const fields = {
    method: `${parent.typeName}/${name}`,
    code: code === undefined ? "OK" : codeName(code),
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
