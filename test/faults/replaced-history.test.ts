import { cp, rm } from "node:fs/promises";
import { setTimeout } from "node:timers/promises";
import { expect, test } from "vitest";
import type { TestNats } from "#test/support/nats.ts";
import type { Service } from "#test/support/service.ts";
import { historyOf, System, scriptOf } from "#test/support/system.ts";
import { until } from "#test/support/until.ts";

/** Services look at the history every 2 s, and say what they had seen when they last looked. */
const LOOKED_MS = 2_500;
const METRIC = "millrace_gateway_history_replaced_total 1";

function isToldBy({ entries }: Service): boolean {
  return entries.some(({ msg }) => String(msg).startsWith("the history was replaced: it ends at"));
}

const DAMAGES: readonly {
  readonly name: string;
  prepare(nats: TestNats): Promise<void>;
  replace(nats: TestNats): Promise<void>;
}[] = [
  {
    name: "emptied",
    prepare: async () => {},
    replace: ({ storeDir }) => rm(storeDir, { recursive: true }),
  },
  {
    name: "put back from an older copy",
    async prepare(nats) {
      await nats.kill("SIGTERM");
      await cp(nats.storeDir, `${nats.storeDir}-old`, { recursive: true });
      await nats.restart();
    },
    async replace({ storeDir }) {
      await rm(storeDir, { recursive: true });
      await cp(`${storeDir}-old`, storeDir, { recursive: true });
    },
  },
];

for (const { name, prepare, replace } of DAMAGES) {
  test(`services whose history was ${name} say so, and go on`, async () => {
    await using system = await System.start();
    const { gateway, worker } = await system.running();
    const run = async () => {
      const { task } = await gateway.client.submitTask({ spec: { input: scriptOf({}) } });
      await historyOf(gateway, task?.id ?? "");
    };
    await run();
    await prepare(system.nats);
    await Promise.all([gateway.ready(), worker.ready()]);
    await run();
    await setTimeout(LOOKED_MS);

    await system.nats.kill("SIGTERM");
    await replace(system.nats);
    await system.nats.restart();
    await until(() => isToldBy(gateway.service) && isToldBy(worker.service));
    await Promise.all([gateway.ready(), worker.ready()]);
    expect(await (await fetch(`${gateway.url}/metrics`)).text()).toContain(METRIC);
    await until(async () => (await gateway.client.listTaskTypes({})).taskTypes.length > 0);
    await run();
  });
}
