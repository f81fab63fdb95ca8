import { createHash } from "node:crypto";
import { createWriteStream } from "node:fs";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { EnvHttpProxyAgent, fetch, type Response } from "undici";

/** How long to wait for a site before we go another way. */
export interface Patience {
  readonly connectTimeoutMs: number;
  /** How long nothing may come while we wait for more. */
  readonly stallTimeoutMs: number;
  readonly signal: AbortSignal | undefined;
}

export type OnBytes = (received: number, total: number | undefined) => void;

/** Fetches files, through the proxy that the environment names, if any. */
export class Downloader implements AsyncDisposable {
  readonly #agent: EnvHttpProxyAgent;
  readonly #signal: AbortSignal | undefined;

  constructor(env: NodeJS.ProcessEnv, patience: Patience) {
    const { http_proxy, HTTP_PROXY, https_proxy, HTTPS_PROXY, no_proxy, NO_PROXY } = env;
    this.#signal = patience.signal;
    this.#agent = new EnvHttpProxyAgent({
      httpProxy: http_proxy ?? HTTP_PROXY ?? "",
      httpsProxy: https_proxy ?? HTTPS_PROXY ?? "",
      noProxy: no_proxy ?? NO_PROXY ?? "",
      connect: { timeout: patience.connectTimeoutMs },
      headersTimeout: patience.stallTimeoutMs,
      bodyTimeout: patience.stallTimeoutMs,
    });
  }

  async text(url: string): Promise<string> {
    try {
      return await (await this.#get(url)).text();
    } catch (error) {
      throw explained(url, error);
    }
  }

  /** Writes what the address holds to a file, and answers its SHA-256. */
  async toFile(url: string, file: string, onBytes: OnBytes): Promise<string> {
    try {
      const { body, headers } = await this.#get(url);
      if (!body) throw new Error("the answer is empty");
      const hash = createHash("sha256");
      const total = Number(headers.get("content-length")) || undefined;
      let received = 0;
      const watched = async function* (chunks: AsyncIterable<Uint8Array>) {
        for await (const chunk of chunks) {
          hash.update(chunk);
          received += chunk.length;
          onBytes(received, total);
          yield chunk;
        }
      };
      await pipeline(Readable.fromWeb(body), watched, createWriteStream(file));
      return hash.digest("hex");
    } catch (error) {
      throw explained(url, error);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#agent.destroy();
  }

  async #get(url: string): Promise<Response> {
    const response = await fetch(url, { dispatcher: this.#agent, signal: this.#signal ?? null });
    if (!response.ok) throw new Error(`${response.status} ${response.statusText}`);
    return response;
  }
}

/** fetch only says "fetch failed"; why is in the innermost cause. */
function explained(url: string, error: unknown): Error {
  let reason = error;
  while (reason instanceof Error && reason.cause instanceof Error) reason = reason.cause;
  const said = reason instanceof Error ? reason.message || reason.name : String(reason);
  return new Error(`${url}: ${said}`, { cause: error });
}
