import {
  clone,
  type DescField,
  type DescMessage,
  type JsonValue,
  type Message,
  type MessageShape,
  type Registry,
  toJson,
} from "@bufbuild/protobuf";
import { type ReflectMessage, reflect } from "@bufbuild/protobuf/reflect";
import { errorMessage } from "#lib/task/error-message.ts";

/** Why JSON can't say the message, e.g. for a NaN in a google.protobuf.Value; undefined if it can. */
export function whyNoJson(
  desc: DescMessage,
  message: Message,
  registry: Registry,
): string | undefined {
  try {
    toJson(desc, message, { registry });
    return undefined;
  } catch (error) {
    return errorMessage(error);
  }
}

/** The message as JSON, without what JSON can't say. */
export function toldAsJson<Desc extends DescMessage>(
  desc: Desc,
  message: MessageShape<Desc>,
  { registry }: { readonly registry: Registry },
): JsonValue {
  return toJson(desc, sayable(desc, message, registry), { registry });
}

/** The message without what JSON can't say; mostly it is the message itself. */
export function sayable<Desc extends DescMessage>(
  desc: Desc,
  message: MessageShape<Desc>,
  registry: Registry,
): MessageShape<Desc> {
  if (whyNoJson(desc, message, registry) === undefined) return message;
  const rest = clone(desc, message);
  prune(reflect(desc, rest), registry);
  return rest;
}

/** How deep to look for what JSON can't say: each step asks again for all that is below it. */
const MAX_STEPS = 8;

/** The path of what JSON can't say in the message, below `at`. */
export function placeOfNoJson(
  message: ReflectMessage,
  registry: Registry,
  at: string,
  steps = MAX_STEPS,
): string {
  if (steps === 0) return at;
  for (const field of message.fields.filter((each) => message.isSet(each))) {
    for (const [item, inner] of messagesIn(message, field)) {
      if (isSayable(inner, registry)) continue;
      return placeOfNoJson(inner, registry, `${at}.${field.name}${item}`, steps - 1);
    }
  }
  return at;
}

function prune(message: ReflectMessage, registry: Registry): void {
  for (const field of message.fields.filter((each) => message.isSet(each))) {
    const inners = messagesIn(message, field).map(([, inner]) => inner);
    const unsaid = inners.filter((inner) => !isSayable(inner, registry));
    for (const inner of unsaid) if (isOurs(inner)) prune(inner, registry);
    if (unsaid.some((inner) => !isSayable(inner, registry))) message.clear(field);
  }
}

function isSayable({ desc, message }: ReflectMessage, registry: Registry): boolean {
  return whyNoJson(desc, message, registry) === undefined;
}

/** Of google.protobuf's own, a part would say something else than the whole. */
function isOurs({ desc }: ReflectMessage): boolean {
  return !desc.typeName.startsWith("google.protobuf.");
}

/** The messages that a field holds, each with its place in the list or map. */
function messagesIn(message: ReflectMessage, field: DescField): [string, ReflectMessage][] {
  if (!field.message) return [];
  switch (field.fieldKind) {
    case "message":
      return [["", message.get(field)]];
    case "list":
      return [...message.get(field)].map((item, index) => [`[${index}]`, item as ReflectMessage]);
    case "map":
      return [...message.get(field)].map(([key, value]) => [
        `[${JSON.stringify(String(key))}]`,
        value as ReflectMessage,
      ]);
    default:
      return [];
  }
}
