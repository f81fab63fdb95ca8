import { Pool } from "undici";
import type { Ended, OnReport, Watcher } from "./caller.ts";

interface Following extends Watcher {
  readonly body?: unknown;
}

const JSON_TYPE = { "content-type": "application/json" };

/** An HTTP API, called as backends do: connections are kept, and there are as many as calls at once. */
export class HttpApi {
  readonly #pool: Pool;

  constructor(url: string) {
    this.#pool = new Pool(url, { connections: null });
  }

  async post<Answer>(path: string, body: unknown): Promise<Answer> {
    return this.#ask<Answer>("POST", path, JSON.stringify(body));
  }

  async get<Answer>(path: string): Promise<Answer> {
    return this.#ask<Answer>("GET", path, null);
  }

  /** Reads server-sent events up to the one that is called `end`. */
  async follow(
    method: "GET" | "POST",
    path: string,
    { body, onReport, onOpen }: Following,
  ): Promise<Ended> {
    const response = await this.#pool.request({
      method,
      path,
      headers: JSON_TYPE,
      body: body === undefined ? null : JSON.stringify(body),
      bodyTimeout: 0,
    });
    onOpen?.();
    let ended: Ended | undefined;
    let rest = "";
    response.body.setEncoding("utf8");
    for await (const text of response.body) {
      const events = (rest + text).split("\n\n");
      rest = events.pop() ?? "";
      for (const event of events) ended = heard(event, onReport) ?? ended;
    }
    if (ended) return ended;
    throw new Error(`${method} ${path} ended without the end of its task`);
  }

  close(): Promise<void> {
    return this.#pool.close();
  }

  async #ask<Answer>(method: "GET" | "POST", path: string, body: string | null): Promise<Answer> {
    const response = await this.#pool.request({ method, path, headers: JSON_TYPE, body });
    if (response.statusCode < 300) return (await response.body.json()) as Answer;
    throw new Error(`${method} ${path}: ${response.statusCode} ${await response.body.text()}`);
  }
}

/** `event: <name>`, `data: <JSON>` */
function heard(event: string, onReport?: OnReport): Ended | undefined {
  const [name = "", data = ""] = event.split("\n");
  const told: unknown = JSON.parse(data.slice("data: ".length));
  if (name === "event: end") return told as Ended;
  onReport?.((told as { readonly madeAtMs: number }).madeAtMs);
  return undefined;
}
