import { type DestinationStream, type Logger, pino } from "pino";
import { build as pretty } from "pino-pretty";

export type Log = Logger;

export interface LogOptions {
  readonly name: string;
  readonly level: string;
  readonly format: "auto" | "json" | "pretty" | (string & {});
}

/** What could not be written is kept up to this, and written when it can be; what comes beyond it is lost. */
const MAX_UNWRITTEN_BYTES = 2 ** 20;

/** JSON lines on standard output; on a terminal, or when asked for, lines for people. */
export function openLog({ name, level, format }: LogOptions): Log {
  const forPeople = format === "pretty" || (format === "auto" && process.stdout.isTTY);
  const options = { name, level, base: { name } };
  if (!forPeople) return pino(options, standardOutput());
  return pino(options, pretty({ sync: true, ignore: "hostname,pid", translateTime: "HH:MM:ss.l" }));
}

/** It may be a file on a full disk, or a pipe that nobody reads any more. Then lines are lost, and the service goes on. */
function standardOutput(): DestinationStream {
  const output = pino.destination({ dest: 1, sync: true, maxLength: MAX_UNWRITTEN_BYTES });
  output.on("error", () => {});
  // Its flushSync, which pino calls after a fatal line, would try for ever; and there is nothing to flush.
  return { write: (line) => output.write(line) };
}
