import { toJson } from "@bufbuild/protobuf";
import { SubmitTaskResponseSchema } from "#gen/millrace/v1/task_service_pb.ts";
import { codeName } from "#lib/rpc/code-name.ts";
import { ExitCode } from "../exit-code.ts";
import { LiveArea } from "../terminal/live-area.ts";
import { print, printJson, tell } from "../terminal/output.ts";
import type { Answered, Refused } from "./answered.ts";

/** Of several reasons, the one that its reader can do most about. */
const WORST_FIRST = [ExitCode.USAGE, ExitCode.REFUSED, ExitCode.NOT_FOUND, ExitCode.UNAVAILABLE];

/** Tells what becomes of a batch: ids or JSON lines on standard output, refusals and progress on standard error. */
export class BatchReport {
  readonly #json: boolean;
  readonly #area = process.stderr.isTTY ? new LiveArea(process.stderr) : undefined;
  readonly #exitCodes = new Set<ExitCode>();
  #accepted = 0;
  #found = 0;
  #refused = 0;

  constructor(json: boolean) {
    this.#json = json;
  }

  tell(answers: readonly Answered[]): void {
    for (const answer of answers) this.#tellOne(answer);
    this.#area?.bar(this.#sum);
  }

  get isEmpty(): boolean {
    return this.#accepted + this.#refused === 0;
  }

  /** Ends the report, with the exit code that it amounts to. */
  end(): ExitCode {
    this.#area?.end();
    if (this.#area || this.#refused > 0 || this.isEmpty) tell(this.#sum);
    return WORST_FIRST.find((code) => this.#exitCodes.has(code)) ?? ExitCode.SUCCEEDED;
  }

  get #sum(): string {
    const found = this.#found > 0 ? ` (${this.#found} of them before)` : "";
    return `${this.#accepted} accepted${found}, ${this.#refused} refused`;
  }

  #tellOne(answer: Answered): void {
    if ("refused" in answer) this.#tellRefused(answer.line, answer.refused);
    else this.#tellAccepted(answer);
  }

  #tellAccepted({ line, accepted }: Extract<Answered, { accepted: unknown }>): void {
    this.#accepted += 1;
    if (accepted.deduplicated) this.#found += 1;
    if (this.#json) printJson({ line, ...Object(toJson(SubmitTaskResponseSchema, accepted)) });
    // People who look on are served by the progress; thousands of ids would only push it away.
    else if (!process.stdout.isTTY) print(accepted.task?.id ?? "");
  }

  #tellRefused(line: number, { code, text, exitCode }: Refused): void {
    this.#refused += 1;
    this.#exitCodes.add(exitCode);
    const told = `line ${line}: ${text}`;
    if (this.#json) printJson({ line, error: { code: codeName(code), message: text } });
    else if (this.#area) this.#area.print(told);
    else tell(told);
  }
}
