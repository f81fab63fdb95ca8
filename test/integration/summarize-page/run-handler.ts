import { create } from "@bufbuild/protobuf";
import {
  type PageSummary,
  PageSummarySchema,
  ProcessingType,
  SummarizePageSchema,
} from "#gen/millrace/tasks/v1/summarize_page_pb.ts";
import { loadSettings } from "#lib/process/load-settings.ts";
import type { Settings } from "#lib/process/settings.ts";
import { type AttemptListeners, RecordedAttempt } from "#test/support/recorded-attempt.ts";
import { summarizePage } from "../../../services/worker/handlers/summarize-page.ts";

export interface Ask extends AttemptListeners {
  readonly url: string;
  readonly settings?: Partial<Settings>;
  readonly processingType?: ProcessingType;
}

const DEFAULTS = loadSettings("worker", {}, ["node", "worker"]);

/** Starts an attempt of web.summarize; page servers on loopback may be fetched when `settings` allow them. */
export function run({
  url,
  settings = {},
  processingType = ProcessingType.QUICK,
  ...listeners
}: Ask) {
  const input = create(SummarizePageSchema, { url, processingType });
  const attempt = new RecordedAttempt(input, listeners);
  const type = summarizePage({ ...DEFAULTS, ...settings });
  const output: Promise<PageSummary> = type
    .handler(attempt)
    .then((init) => create(PageSummarySchema, init));
  return { attempt, output };
}
