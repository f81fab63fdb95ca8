import {
  type DescMessage,
  fromJson,
  type JsonObject,
  type MessageShape,
  type Registry,
} from "@bufbuild/protobuf";
import { CliError } from "#cli/cli-error.ts";
import { ExitCode } from "#cli/exit-code.ts";
import { plainReason } from "#lib/rpc/translate-errors.ts";
import { errorMessage } from "#lib/task/error-message.ts";

/** Reads JSON. A complaint names the field, which the decoder often does not: so each is then tried by itself. */
export function decodedFields<Desc extends DescMessage>(
  message: Desc,
  json: JsonObject,
  registry?: Registry,
): MessageShape<Desc> {
  const read = (fields: JsonObject) => fromJson(message, fields, registry ? { registry } : {});
  return decoded("", () => {
    try {
      return read(json);
    } catch (error) {
      for (const [name, value] of Object.entries(json)) {
        decoded(`${name}: `, () => read({ [name]: value }));
      }
      throw error;
    }
  });
}

/** Puts what a decoder complains of into plain words; `where` goes before them. */
export function decoded<T>(where: string, decode: () => T): T {
  try {
    return decode();
  } catch (error) {
    if (error instanceof CliError) throw error;
    const text = errorMessage(error);
    const short = plainReason(text)
      .replace(/^cannot decode (?:message|enum) (?:\w+\.)*(\w+) from JSON: /, "is no $1: ")
      .replace(/^cannot decode field (?:\w+\.)*(\w+) from JSON: /, (_, name) =>
        where === `${name}: ` || name === "value" ? "" : `${name}: `,
      );
    throw new CliError(where + short, { exitCode: ExitCode.USAGE, cause: error });
  }
}
