import { create, type DescFile, type DescMessage } from "@bufbuild/protobuf";
import { durationFromMs, FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { type TaskType, TaskTypeSchema } from "#gen/millrace/v1/task_type_pb.ts";
import { DEFAULT_ATTEMPT_TIMEOUT_MS } from "#lib/task/limits.ts";
import { DEFAULT_RETRY_POLICY, type RetryPolicy, retryPolicyMessage } from "#lib/task/retry.ts";
import type { TaskTypeDefinition } from "#lib/task/task-type.ts";

export function retryPolicyOf(type: TaskTypeDefinition): RetryPolicy {
  return { ...DEFAULT_RETRY_POLICY, ...type.retry };
}

/** Limits of the attempts of tasks that bring none. */
export function timeoutsOf({ attemptTimeoutMs, softTimeoutMs }: TaskTypeDefinition) {
  return { attemptTimeoutMs: attemptTimeoutMs ?? DEFAULT_ATTEMPT_TIMEOUT_MS, softTimeoutMs };
}

/** The files that define the messages, each after the files that it imports. */
function filesOf(messages: readonly DescMessage[]): DescFile[] {
  const files = new Set<DescFile>();
  const visit = (file: DescFile): void => {
    if (files.has(file)) return;
    for (const imported of file.dependencies) visit(imported);
    files.add(file);
  };
  for (const message of messages) visit(message.file);
  return [...files];
}

/** What a worker tells the others of one of its task types. */
export function announcedType(type: TaskTypeDefinition): TaskType {
  const files = filesOf([type.input, type.output]);
  const { attemptTimeoutMs, softTimeoutMs } = timeoutsOf(type);
  return create(TaskTypeSchema, {
    name: type.input.typeName,
    alias: type.alias,
    description: type.description,
    outputType: type.output.typeName,
    retryPolicy: retryPolicyMessage(retryPolicyOf(type)),
    attemptTimeout: durationFromMs(attemptTimeoutMs),
    ...(softTimeoutMs !== undefined && { attemptSoftTimeout: durationFromMs(softTimeoutMs) }),
    isolated: type.isolated ?? false,
    ...(type.keepForMs !== undefined && { keepFor: durationFromMs(type.keepForMs) }),
    descriptors: create(FileDescriptorSetSchema, { file: files.map(({ proto }) => proto) }),
  });
}
