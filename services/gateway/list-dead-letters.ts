import type { Task } from "#gen/millrace/v1/task_pb.ts";
import type { ListDeadLettersRequest } from "#gen/millrace/v1/task_service_pb.ts";
import type { LogScan } from "#lib/broker/log/log-scan.ts";
import { InvalidField } from "#lib/task/errors.ts";
import { findDeadLetters } from "./dead-letters.ts";

const DEFAULT_PAGE_SIZE = 100;

/** Clients take answers of up to 4 MiB, unless told otherwise; an input alone may have 64 KiB. */
const MAX_PAGE_BYTES = 2 * 1024 * 1024;

/** State changes to look at for one page: about two seconds' work. */
const MAX_EVENTS = 200_000;

interface Page {
  readonly tasks: Task[];
  readonly nextPageToken: string;
}

/** A page of dead letters. It may be short, or empty, where many tasks must be looked at to find a few. */
export async function listDeadLetters(
  scan: LogScan,
  { filter, pageSize, pageToken }: ListDeadLettersRequest,
  signal: AbortSignal,
): Promise<Page> {
  const page = new PageInTheMaking(pageSize || DEFAULT_PAGE_SIZE);
  const search = { filter, after: sequenceOf(pageToken), signal };
  let events = 0;
  for await (const { tasks, upTo, read = 0 } of findDeadLetters(scan, search)) {
    const last = page.add(tasks);
    events += read;
    if (last !== undefined) return { tasks: page.tasks, nextPageToken: String(last) };
    if (events >= MAX_EVENTS) return { tasks: page.tasks, nextPageToken: String(upTo) };
  }
  return { tasks: page.tasks, nextPageToken: "" };
}

class PageInTheMaking {
  readonly tasks: Task[] = [];
  readonly #size: number;
  #bytes = 0;

  constructor(size: number) {
    this.#size = size;
  }

  /** Sequence of the last task that fits, if the page is full with it. */
  add(tasks: readonly Task[]): bigint | undefined {
    for (const task of tasks) {
      this.tasks.push(task);
      this.#bytes += task.spec?.input?.value.length ?? 0;
      const isFull = this.tasks.length >= this.#size || this.#bytes >= MAX_PAGE_BYTES;
      if (isFull) return task.sequence;
    }
    return undefined;
  }
}

function sequenceOf(pageToken: string): number {
  if (/^\d{0,15}$/.test(pageToken)) return Number(pageToken);
  throw new InvalidField("page_token", "must be the next_page_token of the page before");
}
