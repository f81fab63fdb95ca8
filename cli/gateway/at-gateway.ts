import type { Client } from "@connectrpc/connect";
import { QueueService } from "#gen/millrace/v1/queue_service_pb.ts";
import { TaskService } from "#gen/millrace/v1/task_service_pb.ts";
import { openGrpcClient } from "#lib/rpc/client.ts";
import { explained } from "./explained.ts";

export type Tasks = Client<typeof TaskService>;
export type Queues = Client<typeof QueueService>;

/** Where a gateway is unless --server says otherwise. */
export const DEFAULT_SERVER = "127.0.0.1:50051";

/** Limit of a call that is no watch. */
export const CALL = { timeoutMs: 15_000 };

/** Connects to the gateway's gRPC door for as long as `use` takes. What goes wrong is told in terms of the command line. */
export async function atGateway<T>(
  address: string,
  use: (tasks: Tasks, queues: Queues) => Promise<T>,
): Promise<T> {
  const client = openGrpcClient({ address });
  try {
    const result = await use(client.of(TaskService), client.of(QueueService));
    client.close();
    return result;
  } catch (error) {
    // Not closed: a connection that breaks tells so twice, and once closed, the second time ends the process. It does
    // not keep the process alive either.
    throw explained(error, address);
  }
}
