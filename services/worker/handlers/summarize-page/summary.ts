import type { LogLevel } from "#lib/task/task-type.ts";

/** What a summarizer hands back. */
export interface Summary {
  readonly summary: string;
  readonly keyPoints: string[];
  /** Who wrote it: a model's name, or "extractive". */
  readonly summarizer: string;
}

/** What a summarizer is asked for, and whom it tells how it goes. */
export interface Writing {
  readonly detailed: boolean;
  readonly signal: AbortSignal;
  /** Hands out a piece as soon as it stands; `share` is how much of the whole is written, 0 to 1. */
  emit(piece: string, share: number): void;
  log(level: LogLevel, message: string): void;
}

/** Stands between a summary and its key points: in what is emitted, and in what a model is asked for. */
export const KEY_POINTS_LINE = "Key points:";
