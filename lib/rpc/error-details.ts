import type { MessageInitShape } from "@bufbuild/protobuf";
import { durationFromMs } from "@bufbuild/protobuf/wkt";
import type { ConnectError } from "@connectrpc/connect";
import {
  type BadRequest_FieldViolationSchema,
  BadRequestSchema,
  ErrorInfoSchema,
  RetryInfoSchema,
} from "#gen/google/rpc/error_details_pb.ts";
import { type FieldFault, InvalidField, type RequestError } from "#lib/task/errors.ts";

type Detail = Extract<ConnectError["details"][number], { readonly desc: unknown }>;

const DOMAIN = "millrace";

/** Details travel in headers, and some clients refuse headers above 8 KiB. */
const MAX_FAULTS = 16;
const MAX_FAULT_CHARS = 200;

export function errorInfo(reason: string, metadata: Readonly<Record<string, string>> = {}): Detail {
  return { desc: ErrorInfoSchema, value: { reason, domain: DOMAIN, metadata: { ...metadata } } };
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

function badRequest(faults: readonly FieldFault[]): Detail {
  const fieldViolations = faults.slice(0, MAX_FAULTS).map(violation);
  return { desc: BadRequestSchema, value: { fieldViolations } };
}

function violation(fault: FieldFault): MessageInitShape<typeof BadRequest_FieldViolationSchema> {
  return {
    field: fault.field.slice(0, MAX_FAULT_CHARS),
    description: fault.description.slice(0, MAX_FAULT_CHARS),
    reason: fault.rule ?? "",
  };
}
