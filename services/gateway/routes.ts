import type { ConnectRouter } from "@connectrpc/connect";
import { QueueService } from "#gen/millrace/v1/queue_service_pb.ts";
import { TaskService } from "#gen/millrace/v1/task_service_pb.ts";
import { type QueueServiceOptions, queueService } from "./queue-service.ts";
import { type TaskServiceOptions, taskService } from "./task-service.ts";

/** What a gateway serves, through whichever door. */
export function gatewayRoutes(
  options: TaskServiceOptions & QueueServiceOptions,
): (router: ConnectRouter) => void {
  const tasks = taskService(options);
  const queues = queueService(options);
  return (router) => router.service(TaskService, tasks).service(QueueService, queues);
}
