import type { Interceptor } from "@connectrpc/connect";
import type { Log } from "#lib/process/log.ts";
import type { CallObserver } from "./around-calls.ts";
import type { Services } from "./services.ts";

/** A port on which a process serves, until it leaves. */
export interface Door extends AsyncDisposable {
  /** Where it is open, e.g. `http://127.0.0.1:8080`. */
  readonly url: string;
  /** The same as `host:port`, the way gRPC clients want it. */
  readonly address: string;
  readonly port: number;
  /**
   * Accepts nothing new, ends streams with UNAVAILABLE at once, lets unary calls finish within the grace, and ends what
   * is left with UNAVAILABLE. Asked again, it is the same leaving.
   */
  leave(): Promise<void>;
}

/** What both kinds of door need. */
export interface DoorOptions {
  readonly host: string;
  /** 0 = any free one; the door tells which. */
  readonly port: number;
  /** The variable or flag that it comes from, for who has to choose another. */
  readonly portSetting?: string;
  /** The same of the host. */
  readonly givenBy?: { readonly host: string };
  readonly services: Services;
  readonly log: Log;
  /** How long unary calls may take to finish once the door leaves. */
  readonly leaveGraceMs: number;
  /** Told of every call, also of one that is refused before it gets to the interceptors. */
  readonly observers?: readonly CallObserver[];
  /** Run around every call, outside our own but inside the access log. They see errors as the caller will. */
  readonly interceptors?: readonly Interceptor[];
}

/** Largest message that a door takes in or gives out; gRPC clients refuse larger ones by default. */
export const MAX_MESSAGE_BYTES = 4 * 2 ** 20;
