import { create } from "@bufbuild/protobuf";
import { FieldDescriptorProto_Type, FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";
import { expect, test } from "vitest";
import { type TaskType, TaskTypeSchema } from "#gen/millrace/v1/task_type_pb.ts";
import { openTestBroker } from "#test/support/broker.ts";
import { metricsOf } from "#test/support/metrics-text.ts";
import { submit } from "#test/support/queues.ts";
import { historyOf, System, typesKnown } from "#test/support/system.ts";
import { until } from "#test/support/until.ts";
import { runCli } from "./cli/cli-process.ts";

const NAME = "shop.v1.SendReceipt";
const { STRING, INT64 } = FieldDescriptorProto_Type;

/** A release of a type, whose order is of this field type. */
function release(
  order: FieldDescriptorProto_Type,
  more: { name?: string; alias?: string } = {},
): TaskType {
  const { name = NAME, alias = "shop.receipt" } = more;
  const file = create(FileDescriptorProtoSchema, {
    name: `${name}.proto`,
    package: "shop.v1",
    syntax: "proto3",
    messageType: [
      { name: name.split(".").at(-1) ?? "", field: [{ name: "order", number: 1, type: order }] },
    ],
  });
  return create(TaskTypeSchema, { name, alias, outputType: name, descriptors: { file: [file] } });
}

/** Announces task types as a worker does, until the end of the scope. */
async function announcer(url: string) {
  const broker = await openTestBroker(url);
  const ended = new AbortController();
  const announcing: Promise<void>[] = [];
  return {
    announce: (type: TaskType) => {
      announcing.push(broker.taskTypes.announce([type], ended.signal));
    },
    async [Symbol.asyncDispose]() {
      ended.abort();
      await Promise.all(announcing);
      await broker[Symbol.asyncDispose]();
    },
  };
}

test("releases side by side that do not fit together are told, and the newest one counts", async () => {
  await using system = await System.start();
  const gateway = await system.gateway();
  await using workers = await announcer(system.nats.url);
  workers.announce(release(STRING));
  await typesKnown(gateway);
  workers.announce(release(INT64));
  const list = async () => (await gateway.client.listTaskTypes({})).taskTypes;
  await until(async () => (await list()).some(({ conflicts }) => conflicts.length > 0));
  const [type, ...others] = await list();
  expect(others).toEqual([]);
  expect(type?.descriptors?.file[0]?.messageType[0]?.field[0]?.type).toBe(INT64);
  const conflict = "shop.v1.SendReceipt.order (field 1) was string, and is int64";
  expect(type?.conflicts).toEqual([expect.stringContaining(conflict)]);
  await gateway.service.logged("task types do not fit together", ({ type: name }) => name === NAME);
  const { samples } = await metricsOf(gateway.url);
  expect(samples).toContainEqual({
    name: "millrace_gateway_task_type_conflicts",
    labels: { type: NAME },
    value: 1,
  });
  const { stdout } = await runCli(["--server", gateway.address, "types", "SendReceipt"]);
  expect(stdout).toContain("workers none serves it, last seen ");
  expect(stdout).toContain(conflict);
});

test("an alias that two types have means neither, and who uses it is told both names", async () => {
  await using system = await System.start();
  const gateway = await system.gateway();
  await using workers = await announcer(system.nats.url);
  workers.announce(release(STRING));
  workers.announce(release(STRING, { name: "shop.v1.PrintReceipt" }));
  await typesKnown(gateway, 2);
  const server = ["--server", gateway.address];
  for (const command of [
    ["submit", "shop.receipt", "order=1"],
    ["types", "shop.receipt"],
    ["dead-letters", "--type", "shop.receipt"],
  ]) {
    const { code, stderr } = await runCli([...server, ...command]);
    expect({ code, stderr }).toEqual({
      code: 2,
      stderr: 'error: "shop.receipt" could be any of shop.v1.PrintReceipt, shop.v1.SendReceipt\n',
    });
  }
  const filter = { taskType: "shop.receipt" };
  for (const refused of [
    gateway.client.listDeadLetters({ filter }),
    gateway.client.redriveDeadLetters({ filter }),
  ]) {
    await expect(refused).rejects.toThrow(
      '"shop.receipt" is the alias of shop.v1.SendReceipt and shop.v1.PrintReceipt; give the full name',
    );
  }
});

test("dead letters are found by the alias of their type", async () => {
  await using system = await System.start();
  const { gateway } = await system.running();
  await submit(gateway, "dies", { permanent: "NO" });
  await historyOf(gateway, "dies");
  for (const taskType of ["test.scripted", "google.protobuf.Struct"]) {
    const { tasks } = await gateway.client.listDeadLetters({ filter: { taskType } });
    expect(tasks.map(({ id }) => id)).toEqual(["dies"]);
  }
  const filter = { taskType: "test.scripted" };
  const redriven = await gateway.client.redriveDeadLetters({ filter, preview: true });
  expect(redriven.matched).toBe(1);
});
