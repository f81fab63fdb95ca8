import { TaskService } from "#gen/millrace/v1/task_service_pb.ts";
import { openGrpcClient } from "#lib/rpc/client.ts";
import { until } from "../../processes/until.ts";

/** Resolves when the gateway knows so many task types: it refuses tasks of others, and a worker announces one by one. */
export async function untilTypesAnnounced(address: string, count: number): Promise<void> {
  using client = openGrpcClient({ address });
  const tasks = client.of(TaskService);
  await until(`${count} task types are announced`, async () => {
    const { taskTypes } = await tasks.listTaskTypes({});
    return taskTypes.length >= count;
  });
}
