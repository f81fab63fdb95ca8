import { Metadata } from "@grpc/grpc-js";

const BINARY = "-bin";

export function toHeaders(metadata: Metadata): Headers {
  const headers = new Headers();
  for (const [name, values] of Object.entries(metadata.toHttp2Headers())) {
    if (name.startsWith(":")) continue;
    for (const value of [values].flat()) headers.append(name, String(value));
  }
  return headers;
}

export function toMetadata(headers: Headers): Metadata {
  const metadata = new Metadata();
  for (const [name, value] of headers) {
    if (!name.endsWith(BINARY)) metadata.add(name, value);
    else for (const one of value.split(",")) metadata.add(name, Buffer.from(one, "base64"));
  }
  return metadata;
}
