import type { MessageInitShape } from "@bufbuild/protobuf";
import {
  PageSummarySchema,
  ProcessingType,
  type SummarizePage,
  SummarizePageSchema,
} from "#gen/millrace/tasks/v1/summarize_page_pb.ts";
import { PermanentError } from "#lib/task/handler-errors.ts";
import { type Attempt, defineTaskType } from "#lib/task/task-type.ts";
import type { HandlerSettings } from "../handler-settings.ts";
import { decodeText } from "./summarize-page/decode-text.ts";
import { extractApart } from "./summarize-page/extract-apart.ts";
import { extractiveSummary } from "./summarize-page/extractive.ts";
import { type FetchedPage, fetchPage } from "./summarize-page/fetch-page.ts";
import { modelSummary } from "./summarize-page/model.ts";
import { inWords } from "./summarize-page/numbers-in-words.ts";
import { PageSteps } from "./summarize-page/page-steps.ts";
import type { PageText } from "./summarize-page/page-text.ts";
import type { Summary } from "./summarize-page/summary.ts";

/** For all that comes after fetching; a model that writes slowly takes most of it. */
const AFTER_FETCH_MS = 120_000;

type Given = Attempt<SummarizePage>;

/** web.summarize: fetches a page, finds its readable text, and sums it up. */
export function summarizePage(settings: HandlerSettings) {
  return defineTaskType({
    input: SummarizePageSchema,
    output: PageSummarySchema,
    alias: "web.summarize",
    description: "Fetches a web page and summarizes its readable text.",
    // Sites and models that are overloaded take a while to recover.
    retry: { maxAttempts: 4, initialBackoffMs: 2_000, maxBackoffMs: 60_000 },
    attemptTimeoutMs: settings.fetchTimeoutMs + AFTER_FETCH_MS,
    handler: (attempt) => summarize(attempt, settings),
  });
}

async function summarize(
  attempt: Given,
  settings: HandlerSettings,
): Promise<MessageInitShape<typeof PageSummarySchema>> {
  const steps = new PageSteps(attempt);
  const fetched = await fetchPage(attempt.input.url, settings, {
    signal: attempt.signal,
    fact: (line) => attempt.log("info", line),
    received: (host, bytes, total) => steps.fetching(host, bytes, total),
  });
  steps.extracting(fetched.host);
  const page = await extract(attempt, fetched);
  steps.summarizing(page.wordCount);
  const written = await write(attempt, settings, { page, steps });
  // Saving itself is the worker's: it starts when this returns.
  steps.saving();
  return {
    url: fetched.url,
    title: page.title,
    wordCount: page.wordCount,
    processingType: processingTypeOf(attempt),
    ...written,
  };
}

async function extract(attempt: Given, fetched: FetchedPage): Promise<PageText> {
  const { text, charset, unknown } = decodeText(fetched.bytes, fetched.contentType);
  for (const label of unknown) {
    attempt.log("warn", `charset ${label} is unknown; reading the page as ${charset}`);
  }
  attempt.log("info", `charset ${charset}`);
  const page = await extractApart({ text, mediaType: fetched.mediaType }, attempt.signal);
  if (page.wordCount === 0) {
    throw new PermanentError(
      `${fetched.host}: the page has no readable text (it may be drawn by scripts, which are not run)`,
      { code: "NO_TEXT" },
    );
  }
  const title = page.title === "" ? "" : `, title "${page.title}"`;
  attempt.log("info", `${inWords(page.wordCount, "word")} of readable text${title}`);
  return page;
}

function write(
  attempt: Given,
  settings: HandlerSettings,
  { page, steps }: { page: PageText; steps: PageSteps },
): Promise<Summary> {
  const detailed = processingTypeOf(attempt) === ProcessingType.DETAILED;
  const { openaiApiKey: apiKey, openaiBaseUrl: baseUrl, summaryModel: model } = settings;
  const writing = {
    detailed,
    signal: attempt.signal,
    emit: (piece: string, share: number) => {
      attempt.emit(piece);
      steps.written(share);
    },
    log: attempt.log.bind(attempt),
  };
  if (apiKey === undefined) return extractiveSummary(page, writing);
  return modelSummary(page, { apiKey, baseUrl, model }, writing);
}

function processingTypeOf({ input }: Given): ProcessingType {
  if (input.processingType === ProcessingType.UNSPECIFIED) return ProcessingType.QUICK;
  return input.processingType;
}
