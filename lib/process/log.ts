import { type DestinationStream, type Logger, pino, stdSerializers } from "pino";
import { build as pretty } from "pino-pretty";
import { cut } from "./cut.ts";
import { escaped } from "./escaped.ts";

export type Log = Logger;

export interface LogOptions {
  readonly name: string;
  readonly level: string;
  readonly format: "auto" | "json" | "pretty" | (string & {});
}

/** A reader that is slow finds up to this much of the log when it comes back; lines beyond are lost. */
const MAX_UNREAD_BYTES = 2 ** 20;

/** JSON lines on standard output; on a terminal, or when asked for, lines for people. */
export function openLog({ name, level, format }: LogOptions): Log {
  const forPeople = format === "pretty" || (format === "auto" && process.stdout.isTTY);
  const options = { name, level, base: { name }, serializers: { err: errorOf } };
  if (!forPeople) return pino(options, standardOutput);
  return pino(
    { ...options, hooks: { streamWrite: harmless } },
    pretty({ sync: true, ignore: "hostname,pid", translateTime: "HH:MM:ss.l" }),
  );
}

/** A line of the log, in JSON, of whose texts none commands the terminal that it is shown on. */
export function harmless(line: string): string {
  const json = JSON.stringify(JSON.parse(line), (key, value: unknown) => {
    if (typeof value !== "string") return value;
    return key === "stack" ? value.split("\n").map(escaped).join("\n") : escaped(value);
  });
  return `${json}\n`;
}

/** What went wrong may be as long as what a caller sent. */
const MAX_TEXT_BYTES = 4_096;

function errorOf(error: Error): unknown {
  const told: unknown = stdSerializers.err(error);
  if (!(told instanceof Object && "message" in told && "stack" in told)) return told;
  const [message, stack] = [told.message, told.stack].map((text) => cut(`${text}`, MAX_TEXT_BYTES));
  return Object.assign(told, { message, stack });
}

/**
 * Standard output may be a file on a full disk, or a pipe whose reader is slow or gone. Then lines are lost, and the service
 * goes on. pino's own destination would either wait for the reader, with all else that the process does, or try for ever
 * to write the last lines to the full disk when the process ends.
 */
const standardOutput: DestinationStream = {
  write(line) {
    if (process.stdout.writableLength < MAX_UNREAD_BYTES) process.stdout.write(line);
  },
};
