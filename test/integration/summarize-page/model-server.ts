import { once } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";
import { json } from "node:stream/consumers";
import { Secret } from "#lib/process/secret.ts";
import { LocalServer } from "./local-server.ts";

export interface ModelRequest {
  readonly path: string | undefined;
  readonly authorization: string | undefined;
  readonly body: {
    readonly model: string;
    readonly stream: boolean;
    readonly messages: readonly { readonly role: string; readonly content: string }[];
  };
}

export type Answer = (stream: ModelStream) => void | Promise<void>;

/** A real server that speaks OpenAI's streaming protocol; `answer` writes what the model says. */
export class ModelServer implements AsyncDisposable {
  readonly requests: readonly ModelRequest[];
  readonly #server: LocalServer;

  private constructor(server: LocalServer, requests: readonly ModelRequest[]) {
    this.#server = server;
    this.requests = requests;
  }

  static async start(answer: Answer): Promise<ModelServer> {
    const requests: ModelRequest[] = [];
    const serve = async (request: IncomingMessage, response: ServerResponse) => {
      const body = (await json(request)) as ModelRequest["body"];
      requests.push({ path: request.url, authorization: request.headers.authorization, body });
      await answer(new ModelStream(response));
    };
    const server = LocalServer.start((request, response) => {
      serve(request, response).catch((error: Error) => response.destroy(error));
    });
    return new ModelServer(await server, requests);
  }

  get settings() {
    return {
      openaiApiKey: new Secret("sk-very-secret"),
      openaiBaseUrl: this.#server.url("/v1"),
      summaryModel: "test-model",
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server[Symbol.asyncDispose]();
  }
}

/** One answer of a model. */
export class ModelStream {
  readonly #response: ServerResponse;

  constructor(response: ServerResponse) {
    this.#response = response;
  }

  /** The caller has let go of the connection. */
  get closed(): Promise<unknown> {
    return once(this.#response, "close");
  }

  say(content: string): void {
    this.#chunk({ delta: { content }, finish_reason: null });
  }

  finish(reason = "stop"): void {
    this.#chunk({ delta: {}, finish_reason: reason });
    this.#response.end("data: [DONE]\n\n");
  }

  breakOff(): void {
    this.#response.end();
  }

  cutConnection(): void {
    this.#response.destroy();
  }

  refuse(status: number, message: string): void {
    const headers = { "content-type": "application/json" };
    this.#response.writeHead(status, headers).end(JSON.stringify({ error: { message } }));
  }

  #chunk(choice: object): void {
    if (!this.#response.headersSent) {
      this.#response.writeHead(200, { "content-type": "text/event-stream" });
    }
    const chunk = {
      id: "chatcmpl-1",
      object: "chat.completion.chunk",
      choices: [{ index: 0, ...choice }],
    };
    this.#response.write(`data: ${JSON.stringify(chunk)}\n\n`);
  }
}
