import { create } from "@bufbuild/protobuf";
import { type LogLine, LogLine_Level, LogLineSchema } from "#gen/millrace/v1/task_pb.ts";

/** A place in what an attempt said at which something is missing, as a line of the task's log. */
export class Gap {
  readonly line: LogLine;
  #bytes = 0;
  #lines = 0;

  constructor(attempt: number) {
    this.line = create(LogLineSchema, { attempt, level: LogLine_Level.WARN });
  }

  addOutput(piece: string | Uint8Array): void {
    this.#bytes += Buffer.byteLength(piece);
    this.#tell();
  }

  addLine(): void {
    this.#lines += 1;
    this.#tell();
  }

  #tell(): void {
    const { line } = this;
    line.message = `left out here: ${this.#bytes} bytes of output and ${this.#lines} log lines, more than the broker took in time`;
  }
}
