import OpenAI from "openai";
import type { Secret } from "#lib/process/secret.ts";
import { PermanentError, TransientError } from "#lib/task/handler-errors.ts";
import { partKeyPoints } from "./key-points.ts";
import { modelError } from "./model-errors.ts";
import { inWords } from "./numbers-in-words.ts";
import type { PageText } from "./page-text.ts";
import { type Prompt, promptFor } from "./prompt.ts";
import type { Summary, Writing } from "./summary.ts";

/** Until the model begins to answer. */
const ANSWER_TIMEOUT_MS = 60_000;
/** No summary is as long: a model that does not stop is stopped. */
const MAX_CHARS = 20_000;
/** What summaries come to, for the progress. */
const USUAL_CHARS = { quick: 450, detailed: 2_400 } as const;

export interface ModelAccess {
  readonly apiKey: Secret;
  /** Not set: OpenAI's own. */
  readonly baseUrl: string | undefined;
  readonly model: string;
}

/** Has a model write the summary, handing out its words as they arrive. */
export async function modelSummary(
  page: PageText,
  access: ModelAccess,
  writing: Writing,
): Promise<Summary> {
  const prompt = promptFor(page, writing.detailed);
  if (prompt.chars.given < prompt.chars.page) {
    const given = inWords(prompt.chars.given, "character");
    const all = inWords(prompt.chars.page, "character");
    writing.log("warn", `the page is long: the model is given the first ${given} of ${all}`);
  }
  const text = await ask(prompt, access, writing);
  const { summary, keyPoints } = writing.detailed
    ? partKeyPoints(text)
    : { summary: text.trim(), keyPoints: [] };
  return { summary, keyPoints, summarizer: access.model };
}

async function ask(prompt: Prompt, access: ModelAccess, writing: Writing): Promise<string> {
  try {
    return await stream(prompt, access, writing);
  } catch (error) {
    // Why the attempt was stopped is for the worker to say, not a fault of the model.
    writing.signal.throwIfAborted();
    if (error instanceof PermanentError || error instanceof TransientError) throw error;
    throw modelError(error, access);
  }
}

async function stream(prompt: Prompt, access: ModelAccess, writing: Writing): Promise<string> {
  const chunks = await clientFor(access).chat.completions.create(
    {
      model: access.model,
      stream: true,
      messages: [
        { role: "system", content: prompt.system },
        { role: "user", content: prompt.user },
      ],
    },
    { signal: writing.signal },
  );
  const usual = writing.detailed ? USUAL_CHARS.detailed : USUAL_CHARS.quick;
  let text = "";
  let ending: string | null = null;
  for await (const { choices } of chunks) {
    const piece = choices[0]?.delta?.content ?? "";
    text += piece;
    if (piece !== "") writing.emit(piece, text.length / (text.length + usual / 3));
    ending = choices[0]?.finish_reason ?? ending;
    if (text.length <= MAX_CHARS) continue;
    ending = "length";
    break;
  }
  return whole(text, ending, { access, writing });
}

/** Makes sure that a text is all there: a stream that breaks off may look like one that ended. */
function whole(
  text: string,
  ending: string | null,
  { access, writing }: { access: ModelAccess; writing: Writing },
): string {
  // The SDK ends the stream without a word when it is aborted.
  writing.signal.throwIfAborted();
  if (ending === "content_filter") {
    throw new PermanentError(
      `the model ${access.model} refused: the page is against its provider's content rules`,
      { code: "MODEL_REFUSED" },
    );
  }
  if (ending === null || text.trim() === "") {
    const what = ending === null ? "stopped in the middle of its answer" : "answered with no text";
    throw new TransientError(`the model ${access.model} ${what}`, { code: "MODEL_UNAVAILABLE" });
  }
  if (ending === "length") writing.log("warn", "the model's text is cut: it reached its limit");
  return text;
}

function clientFor({ apiKey, baseUrl }: ModelAccess): OpenAI {
  return new OpenAI({
    apiKey: apiKey.reveal(),
    // null, not undefined: the SDK would look into the environment past our settings.
    baseURL: baseUrl ?? null,
    adminAPIKey: null,
    organization: null,
    project: null,
    // Millrace retries, and counts its attempts.
    maxRetries: 0,
    timeout: ANSWER_TIMEOUT_MS,
    logLevel: "off",
  });
}
