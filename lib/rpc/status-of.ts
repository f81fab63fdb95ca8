import { create } from "@bufbuild/protobuf";
import { type Any, AnySchema, anyPack } from "@bufbuild/protobuf/wkt";
import type { ConnectError } from "@connectrpc/connect";
import { type Status, StatusSchema } from "#gen/google/rpc/status_pb.ts";
import { toConnectError } from "./translate-errors.ts";

/**
 * An error as part of an answer, for what failed is only one of many: code, message and details are those that a call
 * of its own would have ended with.
 */
export function statusOf(error: unknown): Status {
  const { code, rawMessage, details } = toConnectError(error);
  return create(StatusSchema, { code, message: rawMessage, details: details.map(packed) });
}

function packed(detail: ConnectError["details"][number]): Any {
  if ("desc" in detail) return anyPack(detail.desc, create(detail.desc, detail.value));
  const { type, value } = detail;
  return create(AnySchema, {
    typeUrl: `type.googleapis.com/${type}`,
    value: Uint8Array.from(value),
  });
}
