import { setTimeout } from "node:timers/promises";
import { type FaultRow, faultRow, sized } from "#test/support/fault-row.ts";
import { Recovery } from "#test/support/recovery.ts";
import { System } from "#test/support/system.ts";
import { Traffic } from "#test/support/traffic.ts";

/** 50 outages of 1 s to 60 s, more of the short ones; in CI a few, the first of each kind. */
const OUTAGES = sized({ short: 4, long: 50 });
const SHORTEST_MS = 1_000;
const LONGEST_MS = sized({ short: 2_000, long: 60_000 });
/** A frozen broker is found out by pings: within this. */
const FOUND_OUT_MS = 8_500;

type Kind = "killed" | "restarted" | "frozen";
const KINDS: readonly Kind[] = ["killed", "restarted", "frozen"];

/** Takes the broker away for some time; gives back when it was there again. */
async function outage({ nats }: System, kind: Kind, away: () => Promise<unknown>): Promise<number> {
  if (kind === "frozen") {
    await nats.pause();
    await away();
    nats.resume();
    return Date.now();
  }
  await nats.kill(kind === "killed" ? "SIGKILL" : "SIGTERM");
  await away();
  await nats.restart();
  return Date.now();
}

function awayMs({ random }: FaultRow): number {
  return SHORTEST_MS * (LONGEST_MS / SHORTEST_MS) ** random();
}

faultRow(
  "however often, however long and however the broker goes away, all work again within 5 s of its return",
  async (row) => {
    await using system = await System.start();
    const { gateway, worker } = await system.running();
    const [monitor, other] = await Promise.all([system.monitor(), system.worker()]);
    const recovery = new Recovery({ gateway, services: [gateway, worker, other, monitor] });
    const traffic = new Traffic({ gateways: () => [gateway], random: row.random });

    for (let count = 0; count < OUTAGES; count += 1) {
      const kind = KINDS[count % KINDS.length] ?? "killed";
      const leastMs = kind === "frozen" ? FOUND_OUT_MS : 0;
      const lastingMs = Math.max(awayMs(row), leastMs);
      const redAndOver = () => Promise.all([recovery.red(), setTimeout(lastingMs)]);
      await recovery.green(await outage(system, kind, redAndOver));
      row.figure("longest recovery", recovery.figure);
      await setTimeout(row.random() * 1_000);
    }
    row.figure("tasks", traffic.accepted);
    await traffic.checkAll(system.nats.url, recovery.accepted);
  },
  120_000 + OUTAGES * (LONGEST_MS + 15_000),
);
