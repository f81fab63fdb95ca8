import type { MessageInitShape } from "@bufbuild/protobuf";
import { durationFromMs } from "@bufbuild/protobuf/wkt";
import type { ConnectError } from "@connectrpc/connect";
import {
  type BadRequest_FieldViolationSchema,
  BadRequestSchema,
  ErrorInfoSchema,
  RetryInfoSchema,
} from "#gen/google/rpc/error_details_pb.ts";
import { cut } from "#lib/process/cut.ts";
import { type FieldFault, InvalidField, type RequestError } from "#lib/task/errors.ts";

type Violation = MessageInitShape<typeof BadRequest_FieldViolationSchema>;
type Detail = Extract<ConnectError["details"][number], { readonly desc: unknown }>;

const DOMAIN = "millrace";

/**
 * Details travel in headers, and some clients refuse headers above 8 KiB: the message twice, once as percent signs, and
 * the details in base64.
 */
export const MAX_MESSAGE_BYTES = 900;
const MAX_FAULTS_BYTES = 1_800;
const MAX_FAULTS = 16;
const MAX_FAULT_BYTES = 200;
const MAX_FACT_BYTES = 500;

export function errorInfo(reason: string, metadata: Readonly<Record<string, string>> = {}): Detail {
  const facts = Object.entries(metadata).map(([name, fact]) => [name, cut(fact, MAX_FACT_BYTES)]);
  const value = { reason, domain: DOMAIN, metadata: Object.fromEntries(facts) };
  return { desc: ErrorInfoSchema, value };
}

/** What a program needs in order to act on the error. */
export function requestErrorDetails(error: RequestError): Detail[] {
  const details = [errorInfo(error.reason, error.facts)];
  if (error.retryAfterMs !== undefined) details.push(retryInfo(error.retryAfterMs));
  if (error instanceof InvalidField) details.push(badRequest(error.faults));
  return details;
}

function retryInfo(retryAfterMs: number): Detail {
  return { desc: RetryInfoSchema, value: { retryDelay: durationFromMs(retryAfterMs) } };
}

/** As many of the faults as there is room for, the first in any case. */
function badRequest(faults: readonly FieldFault[]): Detail {
  const fieldViolations: Violation[] = [];
  let bytes = 0;
  for (const fault of faults.slice(0, MAX_FAULTS)) {
    const told = violation(fault);
    bytes += Buffer.byteLength(`${told.field}${told.description}${told.reason}`);
    if (bytes > MAX_FAULTS_BYTES) break;
    fieldViolations.push(told);
  }
  return { desc: BadRequestSchema, value: { fieldViolations } };
}

function violation({ field, description, rule = "" }: FieldFault): Violation {
  return {
    field: cut(field, MAX_FAULT_BYTES),
    description: cut(description, MAX_FAULT_BYTES),
    reason: rule,
  };
}
