import { setTimeout } from "node:timers/promises";
import { faultRow, seconds, sized } from "#test/support/fault-row.ts";
import { Recovery } from "#test/support/recovery.ts";
import { openSmallDisk } from "#test/support/small-disk.ts";
import { System } from "#test/support/system.ts";
import { Traffic } from "#test/support/traffic.ts";
import { until } from "#test/support/until.ts";

const DISK_BYTES = 64 * 2 ** 20;
/** More than the disk has: the server is to find out by its writes, not by its own limit. */
const STORE = { jetstream: { max_file_store: 100 * DISK_BYTES } };
/** A worker that has nothing else to write says that it lives, every 2 s: some of that still fits into pages it has. */
const NOTICED_MS = 120_000;
const ROUNDS = sized({ short: 1, long: 10 });

faultRow(
  "a broker whose disk is full accepts nothing, and loses nothing, and works again when restarted with room",
  async (row) => {
    await using disk = await openSmallDisk(DISK_BYTES);
    // Linux without user namespaces, or no Linux: there is no disk to fill without the rights of root.
    if (!disk) return row.figure("left out", "this machine permits no file system of its own");
    const { bin, storeDir } = disk;
    await using system = await System.start({}, { bin, storeDir, extraConfig: STORE });
    const { gateway, worker } = await system.running();
    const recovery = new Recovery({ gateway, services: [gateway, worker] });
    const traffic = new Traffic({ gateways: () => [gateway], random: row.random });

    for (let round = 0; round < ROUNDS; round += 1) {
      await setTimeout(1_000);
      const before = traffic.accepted;
      const fullAt = Date.now();
      await until(async () => {
        await disk.fill();
        return recovery.isRed();
      }, NOTICED_MS);
      row.figure("known to be full after", seconds(Date.now() - fullAt));
      await recovery.refused();
      await setTimeout(row.random() * sized({ short: 1_000, long: 20_000 }));
      await disk.free();
      await system.nats.restart();
      await recovery.green(Date.now());
      await until(() => traffic.accepted > before);
    }
    row.figure("longest recovery", recovery.figure);
    row.figure("tasks", traffic.accepted);
    await traffic.checkAll(system.nats.url, recovery.accepted);
  },
  60_000 + ROUNDS * (NOTICED_MS + 30_000),
);
