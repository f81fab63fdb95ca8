import type { ServerResponse } from "node:http";

/** The answers that a door gives. Once it leaves, each tells its caller to send nothing more on the same connection. */
export class LastAnswers {
  readonly #open = new Set<ServerResponse>();
  #leaving = false;

  add(response: ServerResponse): void {
    this.#open.add(response);
    response.once("close", () => this.#open.delete(response));
    if (this.#leaving) closeAfter(response);
  }

  leave(): void {
    this.#leaving = true;
    for (const response of this.#open) closeAfter(response);
  }
}

function closeAfter(response: ServerResponse): void {
  if (!response.headersSent) response.setHeader("connection", "close");
}
