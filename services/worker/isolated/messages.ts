import type { MessagePort } from "node:worker_threads";
import type { JsonValue } from "@bufbuild/protobuf";
import type { Any } from "@bufbuild/protobuf/wkt";
import type { TaskEvent } from "#gen/millrace/v1/task_pb.ts";
import type { AttemptStopped, HandlerEnd } from "#lib/task/outcome.ts";
import type { CopyableSettings } from "../handler-settings.ts";

/** What a thread is started with. */
export interface ThreadData {
  /** Address of the module that exports `taskTypes(settings)`. */
  readonly module: string;
  readonly settings: CopyableSettings;
  /** Where Node keeps what it has compiled of our modules; undefined: nowhere. */
  readonly compiled: string | undefined;
}

/** Channel on which threads tell of errors of attempts that have ended, as a StrayError. */
export const STRAYS = "millrace-strays";

export interface StrayError {
  readonly taskId: string;
  readonly attempt: number;
  readonly taskType: string;
  readonly end: HandlerEnd;
}

/** An attempt that is to come, as it is handed to a thread. */
export interface ThreadAttempt {
  /** Full name of the task type. */
  readonly typeName: string;
  readonly input: Any | undefined;
  /** How many notes of the attempt the worker has heard; shared, so that the thread can wait for it. */
  readonly heard: Int32Array<SharedArrayBuffer>;
  /** Between the attempt's two sides. Closed before the call: there is no attempt. */
  readonly port: MessagePort;
}

/** The handler is to be called now, with this. */
export interface HandlerCall {
  readonly kind: "call";
  readonly taskId: string;
  readonly number: number;
  readonly id: string;
  readonly idempotencyKey: string;
  readonly deadline: Date;
  readonly checkpoint: JsonValue | undefined;
}

/** From the worker to the thread; the call comes first, and once. */
export type ToThread = HandlerCall | WhileItRuns;

export type WhileItRuns =
  | { readonly kind: "stop"; readonly why: AttemptStopped["why"]; readonly message: string }
  | { readonly kind: "checkpoint saved"; readonly id: number }
  | { readonly kind: "checkpoint refused"; readonly id: number; readonly error: RefusedError };

/** From the thread to the worker. */
export type FromThread =
  | { readonly kind: "ready" }
  | { readonly kind: "note"; readonly facet: TaskEvent["facet"] }
  | { readonly kind: "save checkpoint"; readonly id: number; readonly state: JsonValue }
  | { readonly kind: "ended"; readonly end: HandlerEnd }
  /** What the handler left behind would run beside the next attempt. The thread waits to be ended. */
  | { readonly kind: "left unclean" };

/** An error that keeps its class, for classes say what to do. */
export interface RefusedError {
  readonly message: string;
  /** Set: a PermanentError. */
  readonly code: string | undefined;
}
