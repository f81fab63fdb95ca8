import { constants, type ServerHttp2Session, type ServerHttp2Stream } from "node:http2";
import { Budget } from "./budget.ts";

const { NGHTTP2_NO_ERROR, NGHTTP2_STREAM_STATE_OPEN } = constants;

/** Calls of one connection that have begun, and whose first answer is not on its way yet. */
const MAX_UNANSWERED = 128;

/** Bytes of first answers that one connection may leave unread before its next call begins. */
const MAX_UNREAD_BYTES = 8 * 2 ** 20;

/** Calls that begin in one turn of the event loop. */
const AT_ONCE = 16;

/** Bytes that all calls of one connection may keep here, requests and answers. */
const MAX_KEPT_BYTES = 64 * 2 ** 20;

/** Calls that a connection may cancel before they are answered, as Node allows them against rapid resets. */
const CANCELS = { burst: 1_000, perSecond: 33 };

/** How long a call may take to send its request. */
const REQUEST_MS = 30_000;

/** How often the calls of a connection are looked through. */
const LOOK_MS = 1_000;

/**
 * A call that is not answered while the process has nothing to do for so long waits for something, as a watch of tasks to
 * come does, and holds up no other. On a busy process it is its own work that it waits for.
 */
const SILENT_MS = 100;

/** How soon a queue that waits for answers looks again, for nothing tells that one is on its way. */
const RETRY_MS = 5;

interface CallQueueOptions {
  readonly session: ServerHttp2Session;
  /** Ends the connection, for this reason. */
  readonly end: (reason: string) => void;
  readonly requestMs?: number;
}

/**
 * The calls of one connection, which begin in turn, a few at a time: those of other connections come in between, and
 * those that are given up meanwhile, or whose connection is gone, cost nothing more. Ends a connection that cancels its
 * calls before they can be answered, or that leaves too much lying here.
 */
export class CallQueue {
  readonly #options: Required<CallQueueOptions>;
  readonly #cancels = new Budget(CANCELS, performance.now());
  /** All calls, the oldest first, and when they came. */
  readonly #calls = new Map<ServerHttp2Stream, number>();
  readonly #waiting = new Map<ServerHttp2Stream, () => void>();
  /** Those that have begun, and how long the process had been idle by then. */
  readonly #unanswered = new Map<ServerHttp2Stream, number>();
  readonly #look: NodeJS.Timeout;
  #next: { readonly timer?: NodeJS.Timeout } | undefined;

  constructor(options: CallQueueOptions) {
    this.#options = { requestMs: REQUEST_MS, ...options };
    this.#look = setInterval(() => this.#lookThrough(performance.now()), LOOK_MS);
    options.session.once("close", () => {
      clearInterval(this.#look);
      clearTimeout(this.#next?.timer);
      this.#waiting.clear();
    });
  }

  /** Those that have not ended. */
  get calls(): Iterable<ServerHttp2Stream> {
    return this.#calls.keys();
  }

  /** Begins the call when its turn comes: never at once, so that one that is canceled in the same packet never begins. */
  add(stream: ServerHttp2Stream, begin: () => void): void {
    // Nobody else listens before its turn.
    stream.on("error", () => {});
    stream.once("close", () => this.#over(stream));
    this.#calls.set(stream, performance.now());
    this.#waiting.set(stream, begin);
    this.#soon();
  }

  #over(stream: ServerHttp2Stream): void {
    this.#calls.delete(stream);
    this.#waiting.delete(stream);
    this.#unanswered.delete(stream);
    const { session, end } = this.#options;
    if (session.destroyed) return;
    if (!stream.headersSent && !this.#cancels.spend(performance.now()))
      end("it canceled too many calls before they were answered");
    else if (this.#waiting.size > 0) this.#soon();
  }

  #soon(): void {
    if (this.#next !== undefined && this.#next.timer === undefined) return;
    clearTimeout(this.#next?.timer);
    this.#next = {};
    setImmediate(this.#beginNext);
  }

  readonly #beginNext = (): void => {
    this.#next = undefined;
    let room = this.#room();
    for (const [stream, begin] of this.#waiting) {
      if (room <= 0) break;
      this.#waiting.delete(stream);
      if (stream.closed) continue;
      room -= 1;
      this.#unanswered.set(stream, idleMs());
      const { readableEnded: hasEnded } = stream;
      begin();
      // A request without a body has ended while nobody listened.
      if (hasEnded) stream.emit("end");
    }
    if (this.#waiting.size === 0) return;
    if (this.#room() > 0) this.#soon();
    else this.#next = { timer: setTimeout(this.#beginNext, RETRY_MS) };
  };

  /** How many calls may begin now. */
  #room(): number {
    const silentMs = idleMs() - SILENT_MS;
    let unreadBytes = 0;
    for (const [stream, begunIdleMs] of this.#unanswered) {
      if (isOnItsWay(stream) || (isAsked(stream) && begunIdleMs < silentMs))
        this.#unanswered.delete(stream);
      unreadBytes += stream.writableLength;
    }
    if (unreadBytes > MAX_UNREAD_BYTES) return 0;
    return Math.min(AT_ONCE, MAX_UNANSWERED - this.#unanswered.size);
  }

  #lookThrough(nowMs: number): void {
    let bytes = 0;
    for (const [stream, cameMs] of this.#calls) {
      bytes += stream.writableLength + stream.readableLength;
      if (nowMs - cameMs > this.#options.requestMs && isRequestMissing(stream)) giveUp(stream);
    }
    if (bytes > MAX_KEPT_BYTES) this.#options.end("it left too much unread");
  }
}

/** How long the process has had nothing to do since it was started. */
function idleMs(): number {
  return performance.eventLoopUtilization().idle;
}

function isOnItsWay({ headersSent, writableLength }: ServerHttp2Stream): boolean {
  return headersSent && writableLength === 0;
}

/** Its request is whole, and nothing was answered. */
function isAsked({ readableEnded, headersSent }: ServerHttp2Stream): boolean {
  return readableEnded && !headersSent;
}

/** A call whose answer goes on for ever may go on asking as well. */
function isRequestMissing(stream: ServerHttp2Stream): boolean {
  if (stream.readableEnded || (stream.headersSent && !stream.writableEnded)) return false;
  return stream.state.state === NGHTTP2_STREAM_STATE_OPEN || stream.writableEnded;
}

/** Answers as grpc-js does, which may not have been given the call yet. */
function giveUp(stream: ServerHttp2Stream): void {
  if (!stream.headersSent) {
    const status = { "grpc-status": "4", "grpc-message": "the request took too long" };
    const head = { ":status": 200, "content-type": "application/grpc+proto" };
    stream.respond({ ...head, ...status }, { endStream: true });
  }
  stream.close(NGHTTP2_NO_ERROR);
}
