import { expect, test } from "vitest";
import { checkLedger } from "#test/support/ledger.ts";
import { watchPatiently } from "#test/support/patient-watch.ts";
import { System, scriptOf, typesKnown } from "#test/support/system.ts";

const TASKS = 1_000;
const WATCHERS = 200;

test("every one of 200 watchers of a burst of 1,000 tasks sees all of its task, without a gap", async () => {
  await using system = await System.start();
  const gateway = await system.gateway();
  const other = await system.gateway();
  await typesKnown(await Promise.all([system.worker(), system.worker()]).then(() => gateway));

  const input = scriptOf({ steps: 2 });
  const ids = Array.from({ length: TASKS }, (_, index) => `burst-${index}`);
  const watched = ids.slice(0, WATCHERS);
  const accepted = Promise.all(
    ids.map((taskId) => gateway.client.submitTask({ taskId, spec: { input } })),
  );
  const watching = watched.map((taskId, index) =>
    watchPatiently(() => (index % 2 === 0 ? [gateway] : [other]), taskId),
  );
  await accepted;
  const seen = await Promise.all(watching);
  const rest = ids.slice(WATCHERS).map((taskId) => watchPatiently(() => [gateway], taskId));
  await Promise.all(rest);

  const log = await checkLedger(system.nats.url, ids);
  for (const [index, { events }] of seen.entries()) {
    const stored = log.get(watched[index] ?? "") ?? [];
    const sequencesOf = (facet: string, all: typeof events) =>
      all.filter((event) => event.facet.case === facet).map(({ sequence }) => sequence);
    for (const facet of ["spec", "state", "output", "log"]) {
      expect(sequencesOf(facet, events)).toEqual(sequencesOf(facet, stored));
    }
    const sequences = events.map(({ sequence }) => sequence);
    expect(sequences).toEqual([...new Set(sequences)].sort((a, b) => Number(a - b)));
  }
});
