import { expect, test } from "vitest";
import {
  foundAtOf,
  type Lane,
  laneFor,
  laneOfSubject,
  Names,
  queueOf,
  taskIdOf,
} from "#lib/broker/names.ts";

const RUN = { taskId: "t", epoch: 7 };
const LANE: Lane = laneFor("default", "p2", "acme.v1.Resize");
const NAMESPACES = ["", "s", "staging", "staging-2", "events", "queue", "mr"];

/** Subjects, with and without wildcards. */
function subjectsOf(names: Names): Readonly<Record<string, string>> {
  return {
    allEvents: names.allEvents,
    writeProbe: names.writeProbe,
    spec: names.eventSubject("t", "spec"),
    specs: names.eventSubject("*", "spec"),
    history: names.historySubject("t"),
    anyEvent: names.anyEventSubject("t"),
    allQueues: names.allQueues,
    wholeQueue: names.wholeQueueSubject("default"),
    lane: names.laneSubject(LANE, "t"),
    newLane: names.newLaneSubject("default"),
    roomWanted: names.roomWantedSubject("default"),
    rooms: names.roomWantedSubject("*"),
    queueSettings: names.queueSettingsSubject("default"),
    allParked: names.allParked,
    parked: names.parkedSubject("mr.queue.default.p2.t"),
    schedule: names.scheduleSubject(RUN),
    oldSchedule: names.oldScheduleSubject("t"),
    allDue: names.allDue,
    due: names.dueSubject("default", "p2", "t"),
    limit: names.limitSubject("expiry", RUN),
    allOverdue: names.allOverdue,
    overdue: names.overdueSubject("deadline", "t"),
    cancel: names.cancelSubject("t"),
    cancels: names.cancelSubject("*"),
    departures: names.departures,
    ...Object.fromEntries(names.scheduleSubjects.map((subject, n) => [`schedule${n}`, subject])),
  };
}

function storesOf(names: Names): Readonly<Record<string, string>> {
  const { eventsStream, scheduleStream, parkedStream, configStream } = names;
  const { configBucket, workersBucket, leasesBucket, cursorsBucket } = names;
  return {
    ...{ eventsStream, scheduleStream, parkedStream, configStream },
    ...{ configBucket, workersBucket, leasesBucket, cursorsBucket },
    queueStream: names.queueStream("default"),
  };
}

/** Whether some subject matches both. */
function overlap(one: string, other: string): boolean {
  const [a, b] = [one.split("."), other.split(".")];
  for (const [index, token] of a.entries()) {
    const against = b[index];
    if (against === undefined) return false;
    if (token === ">" || against === ">") return true;
    if (token !== against && token !== "*" && against !== "*") return false;
  }
  return a.length === b.length;
}

test("without a namespace, all is called as in releases that knew none", () => {
  expect(storesOf(new Names())).toEqual({
    eventsStream: "MR_EVENTS",
    scheduleStream: "MR_SCHEDULE",
    parkedStream: "MR_PARKED",
    configStream: "KV_mr_config",
    configBucket: "mr_config",
    workersBucket: "mr_workers",
    leasesBucket: "mr_leases",
    cursorsBucket: "mr_cursors",
    queueStream: "MR_QUEUE_default",
  });
  expect(subjectsOf(new Names())).toEqual({
    allEvents: "mr.task.*.*",
    writeProbe: "mr.task.$probe.write",
    spec: "mr.task.t.spec",
    specs: "mr.task.*.spec",
    history: "mr.task.t.>",
    anyEvent: "mr.task.t.*",
    allQueues: "mr.queue.>",
    wholeQueue: "mr.queue.default.*.*",
    lane: "mr.queue.default.p2+acme-v1-Resize.t",
    newLane: "mr.control.lane.default",
    roomWanted: "mr.control.room.default",
    rooms: "mr.control.room.*",
    queueSettings: "$KV.mr_config.queue.default",
    allParked: "mr.parked.>",
    parked: "mr.parked.mr.queue.default.p2.t",
    schedule: "mr.schedule.t:7",
    oldSchedule: "mr.schedule.t",
    allDue: "mr.due.*.*.*",
    due: "mr.due.default.p2.t",
    limit: "mr.limit.expiry.t:7",
    allOverdue: "mr.overdue.*.*",
    overdue: "mr.overdue.deadline.t",
    cancel: "mr.control.cancel.t",
    cancels: "mr.control.cancel.*",
    departures: "mr.control.left",
    schedule0: "mr.schedule.*",
    schedule1: "mr.due.*.*.*",
    schedule2: "mr.limit.*.*",
    schedule3: "mr.overdue.*.*",
  });
});

test("a namespace is part of every name", () => {
  const names = new Names("staging");
  expect(names.eventsStream).toBe("MR-staging_EVENTS");
  expect(names.queueStream("default")).toBe("MR-staging_QUEUE_default");
  expect(names.configBucket).toBe("mr-staging_config");
  expect(names.eventSubject("t", "spec")).toBe("mr-staging.task.t.spec");
  expect(names.queueSettingsSubject("default")).toBe("$KV.mr-staging_config.queue.default");
  for (const store of Object.values(storesOf(names))) expect(store).toContain("-staging_");
  for (const subject of Object.values(subjectsOf(names))) {
    expect(subject).toMatch(/^(mr-staging|\$KV\.mr-staging_config)\./);
  }
});

test("two namespaces share no stream, no bucket and no subject", () => {
  for (const one of NAMESPACES.map((namespace) => new Names(namespace))) {
    for (const other of NAMESPACES.map((namespace) => new Names(namespace))) {
      if (one.eventsStream === other.eventsStream) continue;
      const stores = new Set(Object.values(storesOf(one)));
      expect(stores.isDisjointFrom(new Set(Object.values(storesOf(other))))).toBe(true);
      const others = Object.values(subjectsOf(other));
      const shared = Object.values(subjectsOf(one)).filter((subject) =>
        others.some((each) => overlap(subject, each)),
      );
      expect(shared).toEqual([]);
      expect(one.queueOfStream(other.queueStream("default"))).toBeUndefined();
    }
  }
});

for (const namespace of ["", "staging", "staging-2"]) {
  test(`what a subject says is read from it in namespace "${namespace}"`, () => {
    const names = new Names(namespace);
    expect(names.queueOfStream(names.queueStream("default"))).toBe("default");
    expect(names.queueOfStream(names.eventsStream)).toBeUndefined();
    expect(taskIdOf(names.eventSubject("t", "state"))).toBe("t");
    const entry = names.laneSubject(LANE, "t");
    expect([taskIdOf(entry), queueOf(entry), laneOfSubject(entry)]).toEqual(["t", "default", LANE]);
    const due = names.dueSubject("default", "p2", "t");
    expect([taskIdOf(due), queueOf(due)]).toEqual(["t", "default"]);
    expect(taskIdOf(names.overdueSubject("expiry", "t"))).toBe("t");
    expect(taskIdOf(names.cancelSubject("t"))).toBe("t");
    expect(foundAtOf(names.parkedSubject(entry))).toBe(entry);
  });
}
