import { setTimeout } from "node:timers/promises";
import { Code, ConnectError } from "@connectrpc/connect";
import { expect, test } from "vitest";
import { TaskService } from "#gen/millrace/v1/task_service_pb.ts";
import { openGrpcClient } from "#lib/rpc/client.ts";
import { System, scriptOf } from "#test/support/system.ts";

test("a submit in the first moments of a gateway is accepted, or told to come again", async () => {
  await using system = await System.start();
  await system.running();
  const codes = new Set<Code>();
  for (let start = 0; start < 3; start += 1) {
    await using gateway = system.spawn("services/gateway/main.ts");
    const { grpc } = await gateway.logged("gateway is up");
    using connection = openGrpcClient({ address: String(grpc) });
    const client = connection.of(TaskService);
    for (let isAccepted = false; !isAccepted; ) {
      isAccepted = await client.submitTask({ spec: { input: scriptOf({}) } }).then(
        () => true,
        (error: unknown) => {
          codes.add(ConnectError.from(error).code);
          return false;
        },
      );
      // The gateway needs the core, too.
      await setTimeout(5);
    }
  }
  codes.delete(Code.Unavailable);
  expect([...codes]).toEqual([]);
});
