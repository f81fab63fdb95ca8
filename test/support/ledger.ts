import { expect } from "vitest";
import { type TaskEvent, TaskState } from "#gen/millrace/v1/task_pb.ts";
import { type Dialed, Link } from "#lib/broker/link/link.ts";
import { LogFollower } from "#lib/broker/log/log-follower.ts";
import { establish } from "#lib/broker/topology/establish.ts";
import { natsServers } from "#lib/process/nats-server.ts";
import { fold } from "#lib/task/fold.ts";
import { isTerminalEvent, mayFollow, stateName } from "#lib/task/life.ts";
import { QUIET, TOPOLOGY } from "./broker.ts";
import { until } from "./until.ts";

/** The whole log, by task. */
export async function readLog(natsUrl: string): Promise<Map<string, TaskEvent[]>> {
  const events = new Map<string, TaskEvent[]>();
  const servers = natsServers(natsUrl);
  // As the services have it: a reader that wants fewer replicas would take some away.
  const topology = { ...TOPOLOGY, queues: [], replicas: servers.length };
  const prepare = (dialed: Dialed) => establish(dialed, topology);
  await using link = new Link({ servers, name: "ledger", log: QUIET, prepare });
  await using follower = new LogFollower({
    link,
    log: QUIET,
    from: "start",
    onEvent: (event) => events.set(event.taskId, [...(events.get(event.taskId) ?? []), event]),
  });
  await until(() => follower.isUp);
  return events;
}

/** What is wrong with the history of one task that was accepted; nothing, if all is well. */
function faultsOf(taskId: string, history: readonly TaskEvent[] | undefined): string[] {
  if (!history) return [`${taskId} was accepted, and is not in the log`];
  const last = history.at(-1);
  return [
    ...(last && isTerminalEvent(last) ? [] : [`${taskId} does not end with its terminal event`]),
    ...(history[0]?.facet.case === "spec" ? [] : [`${taskId} does not begin with its spec`]),
    ...staleEvents(taskId, history),
    ...impossibleSteps(taskId, history),
    ...eventsAfterTheEnd(taskId, history),
  ];
}

/** A task ends once. After that it can only be started again, which is counted. */
function eventsAfterTheEnd(taskId: string, history: readonly TaskEvent[]): string[] {
  return history.slice(1).flatMap((event, index) => {
    const before = history[index];
    if (!before || !isTerminalEvent(before) || startsAgain(before, event)) return [];
    return [`${taskId}: event ${event.sequence} comes after its end`];
  });
}

function startsAgain(ended: TaskEvent, event: TaskEvent): boolean {
  return !isTerminalEvent(event) && restartsOf(event) > restartsOf(ended);
}

function restartsOf({ facet }: TaskEvent): number {
  return facet.case === "state" ? facet.value.restarts : 0;
}

/** A spec alone is a task that waits, in its queue or for its start time; from there, its life allows some steps only. */
function impossibleSteps(taskId: string, history: readonly TaskEvent[]): string[] {
  const states = history.flatMap(({ facet }) =>
    facet.case === "state" ? [facet.value.state] : [],
  );
  const first = fold(history.slice(0, 1))?.state ?? TaskState.QUEUED;
  return [first, ...states].flatMap((from, index) => {
    const to = states[index];
    if (to === undefined || mayFollow(from, to)) return [];
    return [`${taskId} went from ${stateName(from)} to ${stateName(to)}`];
  });
}

function staleEvents(taskId: string, history: readonly TaskEvent[]): string[] {
  let newest = 0;
  return history.flatMap(({ facet, sequence }) => {
    const attempt =
      facet.case === undefined || facet.case === "spec" ? newest : facet.value.attempt;
    const stale = attempt < newest;
    newest = Math.max(newest, attempt);
    return stale ? [`${taskId}: event ${sequence} is of attempt ${attempt} after ${newest}`] : [];
  });
}

/**
 * Every accepted task ended by possible steps, once for each time that it was started, and no stale attempt wrote
 * anything.
 */
export async function checkLedger(natsUrl: string, accepted: Iterable<string>) {
  const log = await readLog(natsUrl);
  const faults = [...accepted].flatMap((taskId) => faultsOf(taskId, log.get(taskId)));
  expect(faults).toEqual([]);
  return log;
}
