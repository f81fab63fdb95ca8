import { Code, ConnectError } from "@connectrpc/connect";
import { expect } from "vitest";
import { EndsBook } from "#test/support/ends-book.ts";
import { faultRow } from "#test/support/fault-row.ts";
import { historyOf, System, scriptOf, statesOf } from "#test/support/system.ts";
import { until } from "#test/support/until.ts";

const LOG_BYTES = 2 * 2 ** 20;
/** From large inputs to small ones, so that the log takes as much as it will. */
const INPUT_BYTES = [20_000, 2_000, 10];

faultRow(
  "a log that was filled by tasks while no worker was there runs each of them once when one comes, and then takes others",
  async ({ figure }) => {
    await using system = await System.start({ MILLRACE_HISTORY_MAX_BYTES: String(LOG_BYTES) });
    const { gateway, worker } = await system.running();
    const { client } = gateway;
    worker.service.kill("SIGTERM");
    await worker.service.exited;
    await using ends = await EndsBook.open(system.nats.url);
    /** Whether it was accepted. */
    const submit = async (taskId: string, bytes: number): Promise<boolean> => {
      const input = scriptOf({ details: { pad: "x".repeat(bytes) } });
      ends.begin(taskId);
      try {
        await client.submitTask({ taskId, spec: { input } });
        return true;
      } catch (error) {
        expect(ConnectError.from(error).code).toBe(Code.ResourceExhausted);
        ends.refused(taskId);
        return false;
      }
    };
    let tasks = 0;
    for (const bytes of INPUT_BYTES) while (await submit(`task-${tasks}`, bytes)) tasks += 1;
    await client.cancelTask({ taskId: "task-0" });

    await system.worker();
    await until(() => ends.running === 0, 60_000);
    expect(ends.faults).toEqual([]);
    expect(ends.ended).toBe(tasks);
    await until(() => submit("later", 0));
    expect(statesOf(await historyOf(gateway, "later"))).toEqual(["RUNNING 1", "SUCCEEDED 1"]);
    figure("tasks", tasks);
  },
  120_000,
);
