const WARN = 40;
const ERROR = 50;

/** What a service's log line says, as far as whoever runs it must know. */
export interface LogLine {
  readonly serious: "warn" | "error" | undefined;
  readonly text: string;
  /** Whether it may be why the process died; most lines of a stack trace are not. */
  readonly isReason: boolean;
}

/** Reads a JSON log line. Anything else is what Node prints when a process dies, so it is serious. */
export function readLogLine(line: string): LogLine {
  try {
    const { level, msg, err, reason = err?.message } = JSON.parse(line);
    const why = typeof reason === "string" ? `: ${reason}` : "";
    const serious = seriousness(Number(level));
    return { serious, text: `${msg ?? ""}${why}`, isReason: serious !== undefined };
  } catch {
    const text = line.trim().replace(/^error: /, "");
    const isReason = /error/i.test(line) && !/^\s/.test(line);
    return { serious: text === "" ? undefined : "error", text, isReason };
  }
}

function seriousness(level: number): LogLine["serious"] {
  if (level >= ERROR) return "error";
  return level >= WARN ? "warn" : undefined;
}
