import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { create } from "@bufbuild/protobuf";
import { jetstreamManager, StorageType } from "@nats-io/jetstream";
import { AuthorizationError, type NatsConnection, wsconnect } from "@nats-io/nats-core";
import { expect, test } from "vitest";
import { QueueSettingsSchema } from "#gen/millrace/v1/queue_service_pb.ts";
import { Names } from "#lib/broker/names.ts";
import { commonPlans, queuePlan } from "#lib/broker/topology/topology.ts";
import { SETTINGS } from "#lib/process/settings.ts";
import { SHELL, upsunApp, variableOf } from "#test/support/upsun.ts";
import { openNatsApp, type RunningNats } from "#test/support/upsun-nats.ts";

const PRODUCTION = { PLATFORM_ENVIRONMENT: "main-bvxea6i", PLATFORM_PROJECT_ENTROPY: "1e5abc" };

function connect({ url }: RunningNats, token: string): Promise<NatsConnection> {
  return wsconnect({ servers: url, token, reconnect: false });
}

async function addStream(connection: NatsConnection, name: string, maxBytes: number) {
  const manager = await jetstreamManager(connection);
  const subjects = [`${name}.>`];
  await manager.streams.add({ name, subjects, storage: StorageType.File, max_bytes: maxBytes });
  return manager;
}

function configuredTopology() {
  const { queueMaxTasks, queueMaxBytes, historyHours, queues, replicas } = SETTINGS;
  const options = {
    names: new Names(),
    queues: queues.fallback,
    queueMaxTasks: queueMaxTasks.fallback,
    queueMaxBytes: queueMaxBytes.fallback,
    historyMaxBytes: Number(variableOf("gateway", "MILLRACE_HISTORY_MAX_BYTES")),
    historyMs: historyHours.fallback * 3_600_000,
    replicas: replicas.fallback,
  };
  const nothingSet = create(QueueSettingsSchema);
  const plans = options.queues.map((queue) => queuePlan(queue, options, nothingSet));
  return [...commonPlans(options), ...plans];
}

async function streamsSeenBy(connection: NatsConnection): Promise<string[]> {
  const manager = await jetstreamManager(connection);
  return manager.streams.names().next();
}

test("the broker stores over WebSocket what a client with the project's token publishes", async () => {
  await using app = await openNatsApp();
  await using nats = await app.start(PRODUCTION);
  await using connection = await connect(nats, PRODUCTION.PLATFORM_PROJECT_ENTROPY);
  const manager = await addStream(connection, "EVENTS", 2 ** 20);
  const ack = await manager.jetstream().publish("EVENTS.one", "hello");
  expect(ack).toMatchObject({ stream: "EVENTS", seq: 1 });
  const stored = await manager.streams.getMessage("EVENTS", { seq: 1 });
  expect(stored?.string()).toBe("hello");
});

test("the broker refuses a wrong token, and no token", async () => {
  await using app = await openNatsApp();
  await using nats = await app.start(PRODUCTION);
  await expect(connect(nats, "wrong")).rejects.toThrow(AuthorizationError);
  await expect(wsconnect({ servers: nats.url, reconnect: false })).rejects.toThrow(
    AuthorizationError,
  );
});

test("the token is not seen by who lists the processes", async () => {
  await using app = await openNatsApp();
  await using nats = await app.start({ ...PRODUCTION, NATS_AUTH_TOKEN: "s3cret" });
  const { stdout } = await promisify(execFile)("ps", ["-ww", "-o", "args=", "-p", `${nats.pid}`]);
  expect(stdout).toContain("nats.conf");
  expect(stdout).not.toContain("s3cret");
});

test("a token that was set replaces the project's entropy", async () => {
  await using app = await openNatsApp();
  await using nats = await app.start({ ...PRODUCTION, NATS_AUTH_TOKEN: 'own$TOKEN "4K\\' });
  await expect(connect(nats, PRODUCTION.PLATFORM_PROJECT_ENTROPY)).rejects.toThrow(
    AuthorizationError,
  );
  await using connection = await connect(nats, 'own$TOKEN "4K\\');
  expect(connection.isClosed()).toBe(false);
});

test("what was stored is there after a deployment, and not in a preview on a copy of the disk", async () => {
  await using app = await openNatsApp();
  const token = PRODUCTION.PLATFORM_PROJECT_ENTROPY;
  {
    await using nats = await app.start(PRODUCTION);
    await using connection = await connect(nats, token);
    await addStream(connection, "EVENTS", 2 ** 20);
  }
  {
    await using nats = await app.start(PRODUCTION);
    await using connection = await connect(nats, token);
    expect(await streamsSeenBy(connection)).toEqual(["EVENTS"]);
  }
  await using preview = await app.start({ ...PRODUCTION, PLATFORM_ENVIRONMENT: "pr-12" });
  await using connection = await connect(preview, token);
  expect(await streamsSeenBy(connection)).toEqual([]);
});

test("the store has room for the services' streams in their configured sizes, not in the default ones", async () => {
  await using app = await openNatsApp();
  await using nats = await app.start(PRODUCTION);
  await using connection = await connect(nats, PRODUCTION.PLATFORM_PROJECT_ENTROPY);
  const { streams } = await jetstreamManager(connection);
  for (const { config } of configuredTopology()) await streams.add(config);
  expect(await streamsSeenBy(connection)).toHaveLength(configuredTopology().length);
  const tooMuch = addStream(connection, "HISTORY", SETTINGS.historyMaxBytes.fallback);
  await expect(tooMuch).rejects.toThrow("insufficient storage resources");
});

test("the post_start check passes once the server is ready", async () => {
  await using app = await openNatsApp();
  await using nats = await app.start(PRODUCTION);
  const check = upsunApp("nats").web.commands.post_start;
  const here = check.replace("127.0.0.1:8222", `127.0.0.1:${nats.monitoringPort}`);
  expect(here).not.toBe(check);
  await expect(promisify(execFile)(SHELL, ["-c", here])).resolves.toMatchObject({ stderr: "" });
});
