import { join } from "node:path";
import { prettyFactory } from "pino-pretty";
import { type Line, type Painted, painted } from "../terminal/line.ts";
import { LogFile } from "./log-file.ts";
import { readLogLine } from "./log-line.ts";

/** What a service logs of its broker: that it is back is told where it was told that it is away. */
const BROKER_IS_AWAY = "broker is away";
const BROKER_IS_UP = "broker is up";

export interface JournalOptions {
  readonly folder: string;
  /** Shows a line to whoever runs the system. */
  readonly tell: (line: Line) => void;
  /** Shows every line, not only the serious ones. */
  readonly everything: boolean;
}

/** What the processes of a system print: all of it in files, what matters on the terminal. */
export class Journal implements AsyncDisposable {
  readonly folder: string;
  readonly #options: JournalOptions;
  readonly #files: LogFile[] = [];
  readonly #lastReasons = new Map<string, string>();
  readonly #withoutBroker = new Set<string>();
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
    if (this.#options.everything) this.#tellAll(name, this.#pretty(line));
    else if (serious) this.#tell(name, text, color);
    else if (text === BROKER_IS_UP && this.#withoutBroker.has(name))
      this.#tell(name, text, "green");
    if (text === BROKER_IS_AWAY) this.#withoutBroker.add(name);
    if (text === BROKER_IS_UP) this.#withoutBroker.delete(name);
  }

  /** Indented from the second line on, so that no message with line ends looks like another line of the log. */
  #tellAll(name: string, pretty: string): void {
    const [first = "", ...more] = pretty.trimEnd().split("\n");
    for (const text of [first, ...more.map((line) => `    ${line}`)]) this.#tell(name, text, []);
  }

  #tell(name: string, text: string, color: Painted["format"]): void {
    this.#options.tell([painted("dim", name.padEnd(8)), " ", painted(color, text)]);
  }
}
