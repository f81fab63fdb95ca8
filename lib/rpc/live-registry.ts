import { createRegistry, type Registry } from "@bufbuild/protobuf";
import { file_google_rpc_error_details } from "#gen/google/rpc/error_details_pb.ts";

const ERROR_DETAILS = createRegistry(file_google_rpc_error_details);

/** A registry that asks for the current one at every look-up, and knows the error details in any case. */
export function liveRegistry(current: () => Registry): Registry {
  return {
    kind: "registry",
    *[Symbol.iterator]() {
      yield* current();
      yield* ERROR_DETAILS;
    },
    get: (name) => current().get(name) ?? ERROR_DETAILS.get(name),
    getMessage: (name) => current().getMessage(name) ?? ERROR_DETAILS.getMessage(name),
    getEnum: (name) => current().getEnum(name) ?? ERROR_DETAILS.getEnum(name),
    getExtension: (name) => current().getExtension(name),
    getExtensionFor: (extendee, number) => current().getExtensionFor(extendee, number),
    getService: (name) => current().getService(name),
  };
}
