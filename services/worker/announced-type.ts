import { create, type DescFile, type DescMessage } from "@bufbuild/protobuf";
import { durationFromMs, FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { type TaskType, TaskTypeSchema } from "#gen/millrace/v1/task_type_pb.ts";
import { DEFAULT_ATTEMPT_TIMEOUT_MS } from "#lib/task/limits.ts";
import { DEFAULT_RETRY_POLICY, type RetryPolicy, retryPolicyMessage } from "#lib/task/retry.ts";
import type { TaskTypeDefinition } from "#lib/task/task-type.ts";

export function retryPolicyOf(type: TaskTypeDefinition): RetryPolicy {
  return { ...DEFAULT_RETRY_POLICY, ...type.retry };
}

export function attemptTimeoutMsOf(type: TaskTypeDefinition): number {
  return type.attemptTimeoutMs ?? DEFAULT_ATTEMPT_TIMEOUT_MS;
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
  return create(TaskTypeSchema, {
    name: type.input.typeName,
    alias: type.alias,
    description: type.description,
    outputType: type.output.typeName,
    retryPolicy: retryPolicyMessage(retryPolicyOf(type)),
    attemptTimeout: durationFromMs(attemptTimeoutMsOf(type)),
    descriptors: create(FileDescriptorSetSchema, { file: files.map(({ proto }) => proto) }),
  });
}
