import { createWriteStream, type WriteStream } from "node:fs";
import { rename } from "node:fs/promises";
import { join } from "node:path";
import { makeFolders } from "#lib/process/make-folders.mjs";

/** What a process prints, kept in a file. The file of the run before is kept beside it, as `<name>.log.1`. */
export class LogFile {
  readonly #stream: WriteStream;

  constructor(stream: WriteStream) {
    this.#stream = stream;
    // A full disk must not take the system down.
    stream.on("error", () => {});
  }

  static async open(folder: string, name: string): Promise<LogFile> {
    const file = join(folder, `${name}.log`);
    makeFolders(folder);
    await rename(file, `${file}.1`).catch(() => {});
    return new LogFile(createWriteStream(file, { flags: "a" }));
  }

  write(line: string): void {
    if (!this.#stream.destroyed) this.#stream.write(`${line}\n`);
  }

  async close(): Promise<void> {
    if (this.#stream.destroyed) return;
    await new Promise<void>((resolve) => {
      this.#stream.once("close", resolve);
      this.#stream.end();
    });
  }
}
