import { type Logger, pino } from "pino";
import { build as pretty } from "pino-pretty";

export type Log = Logger;

export interface LogOptions {
  readonly name: string;
  readonly level: string;
  readonly format: "auto" | "json" | "pretty" | (string & {});
}

/** JSON lines on standard output; on a terminal, or when asked for, lines for people. */
export function openLog({ name, level, format }: LogOptions): Log {
  const forPeople = format === "pretty" || (format === "auto" && process.stdout.isTTY);
  const options = { name, level, base: { name } };
  if (!forPeople) return pino(options);
  return pino(options, pretty({ sync: true, ignore: "hostname,pid", translateTime: "HH:MM:ss.l" }));
}
