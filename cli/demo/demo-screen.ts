import { anyUnpack } from "@bufbuild/protobuf/wkt";
import { type PageSummary, PageSummarySchema } from "#gen/millrace/tasks/v1/summarize_page_pb.ts";
import type { Task } from "#gen/millrace/v1/task_pb.ts";
import type { TaskTypes } from "../task-types/task-types.ts";
import { shownDuration } from "../terminal/duration.ts";
import { type Line, painted, textOf } from "../terminal/line.ts";
import { print, tell } from "../terminal/output.ts";
import { wrapped } from "../terminal/text.ts";
import { JsonView } from "../watch/json-view.ts";
import { LiveView } from "../watch/live-view.ts";
import { PlainView } from "../watch/plain-view.ts";
import type { View } from "../watch/view.ts";

const COLUMNS = 88;

const WHERE_TO_LOOK_NEXT = [
  "Where to look next:",
  "  npm start                            the whole system, staying up",
  "  npm run demo -- --detailed           a longer summary, with key points",
  "  npm run demo -- --url https://…      any page of the web",
  "  README.md                            submit, watch, and write a task type of your own",
];

interface ScreenOptions {
  readonly json: boolean;
  /** The page that was asked for, if any. */
  readonly url?: string;
}

/** What the demo says. With --json, the events have standard output for themselves. */
export class DemoScreen {
  readonly #options: ScreenOptions;
  #view: View | undefined;

  constructor(options: ScreenOptions) {
    this.#options = options;
  }

  /** Something about the system, also in the middle of a watch. */
  readonly tell = (line: Line): void => {
    if (this.#view) this.#view.notice(textOf(line));
    else tell(line);
  };

  stopping(): void {
    this.tell("stopping; Ctrl-C again stops at once");
  }

  starting(): void {
    this.#say("Starting NATS, a gateway, a monitor and a worker on free ports of this machine…");
  }

  ready(server: string, page: string): void {
    const own = this.#options.url
      ? ""
      : " (an article that this demo serves itself: no internet needed)";
    this.#say(`Ready in ${shownDuration(performance.now())}. gRPC on ${server}.`);
    this.#say(`The page: ${page}${own}`);
  }

  submitted(type: string, taskId: string): void {
    this.#say(`Submitted ${type} through the gRPC door: task ${taskId}`);
    this.#say("");
  }

  openView(types: TaskTypes): View {
    this.#view = this.#newView(types);
    return this.#view;
  }

  viewClosed(): void {
    this.#view = undefined;
  }

  ended(task: Task | undefined): void {
    const summary = task?.output && anyUnpack(task.output, PageSummarySchema);
    if (summary) for (const line of this.#summaryLines(summary)) this.#say(line);
  }

  #newView(types: TaskTypes): View {
    if (this.#options.json) return new JsonView(types);
    if (process.stdout.isTTY) return new LiveView(process.stdout, types);
    return new PlainView((line) => this.#say(line));
  }

  #summaryLines(page: PageSummary): Line[] {
    const source = `${page.wordCount} words of text, summarized by ${page.summarizer}`;
    return [
      "",
      [painted("bold", page.title || page.url)],
      [painted("dim", source)],
      // On a terminal, the text has just gone by, word by word.
      ...(process.stdout.isTTY ? [] : textLines(page)),
      "",
      ...WHERE_TO_LOOK_NEXT,
      "",
    ];
  }

  #say(line: Line): void {
    if (!this.#options.json) print(line);
  }
}

function textLines({ summary, keyPoints }: PageSummary): string[] {
  const points = keyPoints.flatMap((point) =>
    wrapped(point, COLUMNS - 2).map((line, index) => (index ? "  " : "- ") + line),
  );
  return ["", ...wrapped(summary, COLUMNS), ...(points.length > 0 ? ["", ...points] : [])];
}
