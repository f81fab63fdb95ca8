import { Code, ConnectError } from "@connectrpc/connect";
import { ErrorInfoSchema } from "#gen/google/rpc/error_details_pb.ts";
import { pause } from "#lib/async/pause.ts";

const FIRST_PAUSE_MS = 200;
const LONGEST_PAUSE_MS = 5_000;
/** Nobody answered for that long: the caller is told, and how to go on. */
const GIVE_UP_MS = 300_000;

/** How a watch outlives its gateway: when to try again, and when to give up. */
export class Patience {
  readonly #notice: (line: string) => void;
  #connected = false;
  #brokenAt: number | undefined;
  #pauseMs = FIRST_PAUSE_MS;
  #reason = "the stream ended";

  constructor(notice: (line: string) => void) {
    this.#notice = notice;
  }

  /** The gateway has sent something. */
  heard(goingOn: string): void {
    this.#connected = true;
    if (this.#brokenAt !== undefined) this.#notice(`watching again${goingOn}`);
    this.#brokenAt = undefined;
    this.#pauseMs = FIRST_PAUSE_MS;
    this.#reason = "the stream ended";
  }

  /** A watch that once worked outlives its gateway; one that never did tells at once what is wrong. */
  forgive(error: unknown): void {
    if (!(error instanceof ConnectError) || !this.#connected) throw error;
    if (!canResume(error)) throw error;
    const silentMs = performance.now() - (this.#brokenAt ?? performance.now());
    if (silentMs > GIVE_UP_MS) throw error;
    this.#reason = error.rawMessage;
  }

  async wait(signal: AbortSignal): Promise<void> {
    if (this.#brokenAt === undefined) {
      this.#brokenAt = performance.now();
      this.#notice(`lost the gateway (${this.#reason}); trying again…`);
    }
    await pause(this.#pauseMs, signal);
    this.#pauseMs = Math.min(LONGEST_PAUSE_MS, this.#pauseMs * 2);
  }
}

/** A gateway that is alive says with an ErrorInfo what is wrong; without one, the connection broke. */
function canResume(error: ConnectError): boolean {
  const [info] = error.findDetails(ErrorInfoSchema);
  if (info === undefined || error.code === Code.Unavailable) return true;
  return Object.hasOwn(info.metadata, "resume_after_sequence");
}
