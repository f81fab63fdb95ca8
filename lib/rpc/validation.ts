import { create, type DescMessage, type Message } from "@bufbuild/protobuf";
import { pathToString } from "@bufbuild/protobuf/reflect";
import { createValidator, type Violation } from "@bufbuild/protovalidate";
import type { Interceptor } from "@connectrpc/connect";
import { type FieldFault, InvalidField } from "#lib/task/errors.ts";
import { hooked } from "./call-stream.ts";
import { tooLargeFields } from "./too-large.ts";

/** Checks messages against the rules in their .proto files. */
export class Validation {
  readonly #validator = createValidator();

  /** What is wrong with the message, as paths below `at`. Throws if a rule itself is broken. */
  faults(desc: DescMessage, message: Message, at = ""): FieldFault[] {
    const result = this.#validator.validate(desc, message);
    if (result.kind === "error") {
      throw new Error(`a rule of ${desc.typeName} is broken`, { cause: result.error });
    }
    return (result.violations ?? []).map((violation) => faultOf(violation, at));
  }

  /** Compiles the rules now: the first check costs 0.1 s, and a broken rule should be found at the start. */
  warmUp(descs: Iterable<DescMessage>): void {
    for (const desc of descs) this.faults(desc, create(desc));
  }

  /** Checks a request, or a part of one: first how large it is, then all else. */
  check(desc: DescMessage, message: Message, at = ""): void {
    const tooLarge = tooLargeFields(desc, message, at);
    if (tooLarge.length > 0) throw new InvalidField(tooLarge);
    const faults = this.faults(desc, message, at);
    if (faults.length > 0) throw new InvalidField(faults);
  }
}

/** For all requests of the process: the rules compile once. */
export const requestValidation = new Validation();

/** Refuses requests that break a rule, before the handler sees them. */
export function validateRequests(validation: Validation): Interceptor {
  return (next) => async (request) => {
    const { input } = request.method;
    if (request.stream) {
      const check = <T extends Message>(message: T) => {
        validation.check(input, message);
        return message;
      };
      return next({ ...request, message: hooked(request.message, { mapItem: check }) });
    }
    validation.check(input, request.message);
    return next(request);
  };
}

function faultOf({ field, message, ruleId }: Violation, at: string): FieldFault {
  const path = pathToString(field);
  return { field: at && path ? `${at}.${path}` : at || path, description: message, rule: ruleId };
}
