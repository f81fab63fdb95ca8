import { Code, ConnectError } from "@connectrpc/connect";
import { CliError } from "#cli/cli-error.ts";
import { ExitCode } from "#cli/exit-code.ts";
import { BadRequestSchema, ErrorInfoSchema } from "#gen/google/rpc/error_details_pb.ts";
import { codeName } from "#lib/rpc/code-name.ts";
import type { RequestErrorReason } from "#lib/task/errors.ts";

const TYPE_UNKNOWN: RequestErrorReason = "TASK_TYPE_UNKNOWN";

const EXIT_CODES: ReadonlyMap<Code, ExitCode> = new Map<Code, ExitCode>([
  [Code.InvalidArgument, ExitCode.USAGE],
  [Code.NotFound, ExitCode.NOT_FOUND],
  [Code.Unavailable, ExitCode.UNAVAILABLE],
  [Code.DeadlineExceeded, ExitCode.UNAVAILABLE],
  [Code.ResourceExhausted, ExitCode.UNAVAILABLE],
  [Code.Unimplemented, ExitCode.UNAVAILABLE],
]);

/** An error of a call, as what to tell whoever typed the command. What is no error of a call stays as it is. */
export function explained(error: unknown, address: string): unknown {
  if (!(error instanceof ConnectError)) return error;
  const [info] = error.findDetails(ErrorInfoSchema);
  if (info === undefined) return nobodyThere(error, address);
  const exitCode =
    info.reason === TYPE_UNKNOWN
      ? ExitCode.USAGE
      : (EXIT_CODES.get(error.code) ?? ExitCode.REFUSED);
  return new CliError(faults(error) ?? error.rawMessage, { exitCode: exitCode, cause: error });
}

/** Every error of a gateway carries an ErrorInfo; without one, something else has answered, or nothing. */
function nobodyThere(error: ConnectError, address: string): CliError {
  const text = whatIsThere(error, address);
  return new CliError(text, { exitCode: ExitCode.UNAVAILABLE, cause: error });
}

function whatIsThere({ code, rawMessage }: ConnectError, address: string): string {
  if (code === Code.Unavailable) {
    return `can't reach a gateway at ${address}; start one with \`millrace up\` (${rawMessage})`;
  }
  if (code === Code.Unimplemented) return `${address} serves gRPC, but is no Millrace gateway`;
  if (code === Code.DeadlineExceeded) return `the gateway at ${address} does not answer in time`;
  return `${address} does not answer like a gateway's gRPC door (${codeName(code)}: ${rawMessage})`;
}

/** The fields that the gateway refuses, by the names that the command line has for them. */
function faults(error: ConnectError): string | undefined {
  const violations = error.findDetails(BadRequestSchema).flatMap((bad) => bad.fieldViolations);
  if (violations.length === 0) return undefined;
  return violations.map(({ field, description }) => fault(field, description)).join("; ");
}

function fault(field: string, description: string): string {
  const name = field.replace(/^spec\.(input\.)?/, "");
  return name === "" ? description : `${name}: ${description}`;
}
