import { Code } from "@connectrpc/connect";
import { expect, test } from "vitest";
import { TaskService } from "#gen/millrace/v1/task_service_pb.ts";
import { openGrpcClient } from "#lib/rpc/client.ts";
import { openGrpcDoor } from "#lib/rpc/grpc-door.ts";
import { drain, errorOf, KEEP_ALIVE } from "./scene.ts";
import { Stage } from "./stage.ts";

test("a client that is closed ends its calls", async () => {
  const stage = new Stage();
  await using door = await openGrpcDoor(stage.options);
  using client = openGrpcClient({ address: door.address });
  stage.onWatch("endless", async function* ({ signal }) {
    yield KEEP_ALIVE;
    client.close();
    await new Promise((resolve) => signal.addEventListener("abort", resolve));
  });
  await errorOf(drain(client.of(TaskService).watchTask({ taskId: "endless" })));
});

test("a client may be given a URL", async () => {
  await using door = await openGrpcDoor(new Stage().options);
  using client = openGrpcClient({ address: door.url });
  expect((await client.of(TaskService).getTask({ taskId: "a" })).task?.id).toBe("a");
});

test("a client finds the door again when it is opened anew", async () => {
  const { options } = new Stage();
  await using door = await openGrpcDoor(options);
  using client = openGrpcClient(door);
  await client.of(TaskService).getTask({ taskId: "a" });
  await door.leave();
  const error = await errorOf(client.of(TaskService).getTask({ taskId: "a" }));
  expect(error.code).toBe(Code.Unavailable);
  await using _again = await openGrpcDoor({ ...options, port: door.port });
  expect((await client.of(TaskService).getTask({ taskId: "a" })).task?.id).toBe("a");
});
