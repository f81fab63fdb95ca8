import { once } from "node:events";
import { connect, type Socket } from "node:net";

/** A connection by which a test sends bytes of its own making. */
export class RawConnection implements Disposable {
  readonly #socket: Socket;
  /** Resolves when it is closed, by either side. */
  readonly closed: Promise<void>;

  private constructor(socket: Socket) {
    this.#socket = socket;
    this.closed = new Promise((resolve) => socket.once("close", () => resolve()));
  }

  /** Reads whatever comes, or nothing. */
  static async open(port: number, reads: "reading" | "unread"): Promise<RawConnection> {
    const socket = connect(port, "127.0.0.1");
    socket.on("error", () => {});
    if (reads === "reading") socket.resume();
    await once(socket, "connect");
    return new RawConnection(socket);
  }

  get isClosed(): boolean {
    return this.#socket.destroyed;
  }

  /** Resolves when the other side has taken the bytes, or the connection is closed. */
  send(...parts: readonly Buffer[]): Promise<void> {
    return new Promise((resolve) => void this.#socket.write(Buffer.concat(parts), () => resolve()));
  }

  [Symbol.dispose](): void {
    this.#socket.destroy();
  }
}
