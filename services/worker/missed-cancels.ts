import type { Broker } from "#lib/broker/broker.ts";
import { untilAnswered } from "#lib/broker/link/request.ts";
import type { RunningAttempts } from "./running-attempts.ts";

/** Stops the attempts that their tasks have gone on without, while nobody could tell us; waits for a broker that goes away again. */
export async function stopOvertaken(running: RunningAttempts, broker: Broker): Promise<void> {
  for (const { taskId, number, fence } of running.all) {
    if (!fence || (await untilAnswered(broker.link, () => broker.log.isNewest(fence)))) continue;
    running.cancel({ taskId, epoch: fence.epoch, newest: number + 1 });
  }
}
