import { type JsonObject, toJson } from "@bufbuild/protobuf";
import { type Any, AnySchema } from "@bufbuild/protobuf/wkt";
import { whyNoJson } from "#lib/rpc/told-as-json.ts";
import { jsonLines } from "../terminal/json-lines.ts";
import { isJsonObject } from "./json-fields.ts";
import type { TaskTypes } from "./task-types.ts";

/** The message that an Any holds, as lines for people. Its type is said elsewhere. */
export function anyLines(any: Any, types: TaskTypes, columns: number): string[] {
  const why = whyNoJson(AnySchema, any, types.registry);
  if (why !== undefined) return [`(can't be shown: ${why})`];
  const json = toJson(AnySchema, any, types);
  return isJsonObject(json) ? jsonLines(withoutType(json), columns) : [];
}

function withoutType({ "@type": _, ...fields }: JsonObject): JsonObject {
  return fields;
}
