import { Code, ConnectError } from "@connectrpc/connect";
import { CliError } from "#cli/cli-error.ts";
import { ExitCode } from "#cli/exit-code.ts";
import {
  type BadRequest,
  BadRequestSchema,
  ErrorInfoSchema,
} from "#gen/google/rpc/error_details_pb.ts";
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
  const exitCode = exitCodeFor(error.code, info.reason);
  return new CliError(faults(error) ?? error.rawMessage, { exitCode: exitCode, cause: error });
}

/** What the program ends with when a call was refused so. */
export function exitCodeFor(code: Code, reason: string): ExitCode {
  if (reason === TYPE_UNKNOWN) return ExitCode.USAGE;
  return EXIT_CODES.get(code) ?? ExitCode.REFUSED;
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

/** The fields that the gateway refuses. */
function faults(error: ConnectError): string | undefined {
  return faultsText(error.findDetails(BadRequestSchema));
}

/** What is wrong with which fields, by the names that the command line has for them; undefined if that is not it. */
export function faultsText(details: readonly BadRequest[]): string | undefined {
  const violations = details.flatMap((bad) => bad.fieldViolations);
  if (violations.length === 0) return undefined;
  return violations.map(({ field, description }) => fault(field, description)).join("; ");
}

function fault(field: string, description: string): string {
  const name = field.replace(/^(tasks\[\d+\]\.?)?(spec\.(input\.)?)?/, "");
  return name === "" ? description : `${name}: ${description}`;
}
