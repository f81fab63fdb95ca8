import type { DescMessage } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import { Health } from "#gen/grpc/health/v1/health_pb.ts";
import { ServerReflection } from "#gen/grpc/reflection/v1/reflection_pb.ts";
import { MonitorService } from "#gen/millrace/v1/monitor_service_pb.ts";
import { QueueService } from "#gen/millrace/v1/queue_service_pb.ts";
import { TaskService } from "#gen/millrace/v1/task_service_pb.ts";
import { type SizedField, type SizeRule, sizedFieldsOf } from "#lib/rpc/size-rules.ts";

const SERVICES = [TaskService, QueueService, MonitorService, Health, ServerReflection];

/** Every message that a caller can send, with all that it may hold. */
function requestMessages(): ReadonlySet<DescMessage> {
  const found = new Set<DescMessage>();
  const visit = (desc: DescMessage): void => {
    if (found.has(desc)) return;
    found.add(desc);
    for (const { message } of sizedFieldsOf(desc).values()) if (message) visit(message);
  };
  for (const { input } of SERVICES.flatMap(({ methods }) => methods)) visit(input);
  return found;
}

function rulesOf({ size, item, key }: SizedField): SizeRule[] {
  return [size, item, key].filter((rule) => rule !== undefined);
}

function fieldsWith(isWrong: (rule: SizeRule, desc: DescMessage) => boolean): string[] {
  return [...requestMessages()].flatMap((desc) =>
    [...sizedFieldsOf(desc).values()]
      .filter((sized) => rulesOf(sized).some((rule) => isWrong(rule, desc)))
      .map(({ field }) => `${desc.typeName}.${field.name}`),
  );
}

test("every text, list and map that a caller can send has a limit in its .proto file, where the file is ours", () => {
  const isOurs = ({ typeName }: DescMessage) => typeName.startsWith("millrace.");
  expect(fieldsWith((rule, desc) => isOurs(desc) && !rule.isWritten)).toEqual([]);
});

test("every one of the others has a limit all the same, but for the input, which is measured as a whole", () => {
  expect(fieldsWith(({ max }) => !Number.isFinite(max))).toEqual(["google.protobuf.Any.value"]);
});
