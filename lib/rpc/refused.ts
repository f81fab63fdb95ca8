import type { Message } from "@bufbuild/protobuf";

/**
 * Takes the place of a request that was refused before it could be read, as far as where errors are translated, counted
 * and logged.
 */
export class Refused implements Message {
  readonly $typeName = "millrace.Refused";
  readonly error: unknown;

  constructor(error: unknown) {
    this.error = error;
  }
}

/** The request; throws what it was refused for. */
export function unlessRefused<T extends Message>(message: T): T {
  if (message instanceof Refused) throw message.error;
  return message;
}
