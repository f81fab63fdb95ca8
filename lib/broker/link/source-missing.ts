/** Thrown when a consumer is not there: it was deleted, or its stream was. `Link.repair` makes it anew. */
export class SourceMissing extends Error {
  override name = "SourceMissing";

  constructor({ stream, consumer }: { readonly stream: string; readonly consumer: string }) {
    super(`consumer ${consumer} of ${stream} is not there`);
  }
}
