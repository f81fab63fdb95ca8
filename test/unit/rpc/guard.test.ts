import { Code, ConnectError, createClient, createRouterTransport } from "@connectrpc/connect";
import { expect, test } from "vitest";
import { TaskService } from "#gen/millrace/v1/task_service_pb.ts";
import { guard } from "#lib/rpc/guard.ts";
import { Leaving } from "#lib/rpc/leaving.ts";

function clientOf(leaving: Leaving, unaryDeadlineMs: number, entered = () => {}) {
  const transport = createRouterTransport(
    ({ service }) =>
      service(TaskService, {
        getTask() {
          entered();
          return new Promise(() => {});
        },
      }),
    { router: { interceptors: [guard(leaving, unaryDeadlineMs)] } },
  );
  return createClient(TaskService, transport);
}

test("a unary call without a deadline gets one", async () => {
  const client = clientOf(new Leaving(), 5);
  await expect(client.getTask({ taskId: "a" })).rejects.toMatchObject({
    code: Code.DeadlineExceeded,
    rawMessage: "no answer within 5 ms; the caller set no deadline",
  });
});

test("a call that comes when its door has left is refused, and its handler never starts", async () => {
  const leaving = new Leaving();
  leaving.endCalls();
  const client = clientOf(leaving, 1000, () => {
    throw new Error("started");
  });
  const refused = client.getTask({ taskId: "a" });
  await expect(refused).rejects.toBeInstanceOf(ConnectError);
  await expect(refused).rejects.toMatchObject({ code: Code.Unavailable });
});
