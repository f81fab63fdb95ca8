import { isUtf8 } from "node:buffer";
import { ConnectError } from "@connectrpc/connect";
import { InvalidField } from "#lib/task/errors.ts";
import { MAX_FIELDS, tooManyFields } from "./too-many-fields.ts";
import { toConnectError } from "./translate-errors.ts";

const [QUOTE, BACKSLASH] = Buffer.from('"\\');
const IS_BEFORE_VALUE = new Uint8Array(256);
for (const byte of Buffer.from(",{[")) IS_BEFORE_VALUE[byte] = 1;
const [ZERO = 0, NINE = 0] = Buffer.from("09");
/** No field has room for as many. */
const MAX_DIGITS = 2 ** 16;
const decoder = new TextDecoder();

/**
 * Reads the JSON of a request. What is no text would otherwise be read as U+FFFD, which makes two ids one; and a million
 * values, or a number of a million digits, take a second to read, in which nobody else is served.
 */
export const jsonDecoder = {
  decode(bytes: Uint8Array = new Uint8Array()): string {
    if (!isUtf8(bytes)) throw notText("is not valid UTF-8");
    if (bytes.length > MAX_FIELDS && valuesIn(bytes) > MAX_FIELDS) throw tooManyFields();
    if (bytes.length > MAX_DIGITS && hasLongNumber(bytes))
      throw notText(`has a number of more than ${MAX_DIGITS} digits`);
    const json = decoder.decode(bytes);
    if (SURROGATE.test(json)) refuseHalves(json);
    return json;
  },
};

const SURROGATE = /\\u[dD][89a-fA-F]/;

function notText(fault: string): ConnectError {
  return toConnectError(new InvalidField("", `the JSON ${fault}`));
}

/** Most of what is escaped like this are whole characters: two halves, one after the other. */
function refuseHalves(json: string): void {
  try {
    JSON.parse(json, (name: string, value: unknown) => {
      const isWhole = name.isWellFormed() && (typeof value !== "string" || value.isWellFormed());
      if (!isWhole) throw notText(`has half a character (a lone surrogate) in "${name}"`);
      return value;
    });
  } catch (error) {
    // What is no JSON is told where it is read for good.
    if (error instanceof ConnectError) throw error;
  }
}

/** About as many values as there are in the JSON: each but the first follows one of these. */
function valuesIn(json: Uint8Array): number {
  let values = 0;
  let inText = false;
  for (let at = 0; at < json.length; at += 1) {
    const byte = json[at] ?? 0;
    if (byte === QUOTE) inText = !inText;
    else if (!inText) values += IS_BEFORE_VALUE[byte] ?? 0;
    else if (byte === BACKSLASH) at += 1;
  }
  return values;
}

function hasLongNumber(json: Uint8Array): boolean {
  let digits = 0;
  for (let at = 0; at < json.length; at += 1) {
    const byte = json[at] ?? 0;
    digits = byte >= ZERO && byte <= NINE ? digits + 1 : 0;
    if (digits > MAX_DIGITS) return true;
  }
  return false;
}
