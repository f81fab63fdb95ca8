import type { OutgoingHttpHeaders } from "node:http2";
import { Metadata } from "@grpc/grpc-js";

export function toHeaders(metadata: Metadata): Headers {
  const headers = new Headers();
  for (const [name, values] of Object.entries(metadata.toHttp2Headers())) {
    if (name.startsWith(":")) continue;
    for (const value of [values].flat()) headers.append(name, String(value));
  }
  return headers;
}

/**
 * Headers that grpc-js sends as they are. Its own metadata decodes binary ones, and encodes them again with a padding that
 * servers should not send.
 */
export class SentHeaders extends Metadata {
  readonly #fields: OutgoingHttpHeaders;

  constructor(headers: Headers, more: OutgoingHttpHeaders = {}) {
    super();
    this.#fields = { ...Object.fromEntries(headers), ...more };
  }

  override clone(): this {
    return this;
  }

  override toHttp2Headers(): OutgoingHttpHeaders {
    return this.#fields;
  }
}
