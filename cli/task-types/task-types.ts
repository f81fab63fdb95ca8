import { createFileRegistry, createRegistry, type Registry } from "@bufbuild/protobuf";
import { CALL, type Tasks } from "#cli/gateway/at-gateway.ts";
import type { TaskType } from "#gen/millrace/v1/task_type_pb.ts";
import { lenientRegistry } from "./lenient-registry.ts";

/** The task types that workers have announced, and all that is needed to write and read their messages. */
export interface TaskTypes {
  readonly all: readonly TaskType[];
  readonly registry: Registry;
}

export async function readTaskTypes(tasks: Tasks): Promise<TaskTypes> {
  const { taskTypes } = await tasks.listTaskTypes({}, CALL);
  return taskTypesOf(taskTypes);
}

export function taskTypesOf(all: readonly TaskType[]): TaskTypes {
  const files = all.flatMap(({ descriptors }) => (descriptors ? [descriptors] : []));
  const announced = createRegistry(...files.map((set) => createFileRegistry(set)));
  return { all, registry: lenientRegistry(announced) };
}

/** What people call a type: its alias, or its full name where it has none. */
export function shownName(name: string, { all }: TaskTypes): string {
  return all.find((type) => type.name === name)?.alias || name;
}
