import { join } from "node:path";
import { prettyFactory } from "pino-pretty";
import type { Paint } from "../terminal/paint.ts";
import { harmless } from "../terminal/text.ts";
import { LogFile } from "./log-file.ts";
import { readLogLine } from "./log-line.ts";

export interface JournalOptions {
  readonly folder: string;
  /** Shows a line to whoever runs the system. */
  readonly tell: (line: string) => void;
  readonly paint: Paint;
  /** Shows every line, not only the serious ones. */
  readonly everything: boolean;
}

/** What the processes of a system print: all of it in files, what matters on the terminal. */
export class Journal implements AsyncDisposable {
  readonly folder: string;
  readonly #options: JournalOptions;
  readonly #files: LogFile[] = [];
  readonly #lastReasons = new Map<string, string>();
  readonly #pretty = prettyFactory({
    colorize: false,
    singleLine: true,
    ignore: "hostname,pid,name",
    translateTime: "HH:MM:ss.l",
  });

  constructor(options: JournalOptions) {
    this.folder = options.folder;
    this.#options = options;
  }

  fileOf(name: string): string {
    return join(this.folder, `${name}.log`);
  }

  /** The last thing that went wrong there. */
  lastReason(name: string): string | undefined {
    return this.#lastReasons.get(name);
  }

  /** Where a service's lines go. */
  async ofService(name: string): Promise<(line: string) => void> {
    const file = await this.#open(name);
    return (line) => {
      file.write(line);
      this.#showService(name, line);
    };
  }

  /** Where the lines of a process go that does not log as we do. */
  async ofOther(name: string): Promise<(line: string) => void> {
    const file = await this.#open(name);
    return (line) => {
      file.write(line);
      if (this.#options.everything) this.#tell(name, line, "dim");
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#files.map((file) => file.close()));
  }

  async #open(name: string): Promise<LogFile> {
    const file = await LogFile.open(this.folder, name);
    this.#files.push(file);
    return file;
  }

  #showService(name: string, line: string): void {
    const { serious, text, isReason } = readLogLine(line);
    if (isReason) this.#lastReasons.set(name, text);
    const color = serious === "error" ? "red" : "yellow";
    if (this.#options.everything) this.#tell(name, this.#pretty(line).trimEnd(), "reset");
    else if (serious) this.#tell(name, text, color);
  }

  #tell(name: string, text: string, color: Parameters<Paint>[0]): void {
    const { tell, paint } = this.#options;
    tell(`${paint("dim", name.padEnd(8))} ${paint(color, harmless(text))}`);
  }
}
