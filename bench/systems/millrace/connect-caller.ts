import { createClient } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-node";
import { TaskService, type TaskUpdate } from "#gen/millrace/v1/task_service_pb.ts";
import type { Caller, Ended, Watcher } from "../../client/caller.ts";
import { requestOf } from "./task-request.ts";
import { noEnd, tellWatcher } from "./tell-watcher.ts";

/**
 * A backend's client over Connect: connect-node as it comes. It speaks HTTP/1.1, as the gateway does on that port, so each
 * call has a connection to itself while it lasts, and Node keeps as many as it takes.
 */
export function openConnectCaller(baseUrl: string): Caller {
  const transport = createConnectTransport({ baseUrl, httpVersion: "1.1" });
  const tasks = createClient(TaskService, transport);
  return {
    async submit(task) {
      const response = await tasks.submitTask(requestOf(task));
      return `${response.task?.id}`;
    },
    run(task) {
      return follow(tasks.runTask({ submit: requestOf(task) }));
    },
    watch(taskId, watcher) {
      return follow(tasks.watchTask({ taskId, afterSequence: watcher.after ?? 0n }), watcher);
    },
    async [Symbol.asyncDispose]() {},
  };
}

/** Reads a watch to its end. */
async function follow(
  answers: AsyncIterable<{ readonly update?: TaskUpdate | undefined }>,
  watcher: Watcher = {},
): Promise<Ended> {
  let ended: Ended | undefined;
  for await (const { update } of answers) ended = tellWatcher(watcher, update) ?? ended;
  if (ended) return ended;
  throw noEnd();
}
