import { inspect } from "node:util";
import { InvalidArgumentError } from "commander";

const SHOWN = "***";

/** A text that does not show, however it is printed, logged or turned into JSON. */
export class Secret {
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  /** The text itself, for the one call that must hand it on. */
  reveal(): string {
    return this.#text;
  }

  toString(): string {
    return SHOWN;
  }

  toJSON(): string {
    return SHOWN;
  }

  [inspect.custom](): string {
    return SHOWN;
  }
}

/** Where it goes, in a header or a configuration file, it must not begin a new line. */
export function secret(given: string): Secret {
  const text = given.trim();
  if (text !== "" && !/\p{Cc}/u.test(text)) return new Secret(text);
  throw new InvalidArgumentError("must be one line of text, without control characters");
}
