import { badge, bar, element } from "./elements.js";
import * as show from "./format.js";

const text = (title, cell, kind = "") => ({ title, cell, kind });
const number = (title, cell, kind = "") => ({ title, cell, kind: `number ${kind}` });
const id = (title, idOf) => ({ title, cell: (row) => wholeId(idOf(row)), kind: "id" });

/** Left out where the screen is narrow. */
const MINOR = "minor";

export const QUEUES = [
  text("Queue", queueName),
  number("Waiting", ({ depth }) => show.count(depth)),
  number("On loan", ({ inFlight }) => show.count(inFlight), MINOR),
  number("Oldest waits", ({ oldestWaitingAge }) => show.duration(oldestWaitingAge)),
  number("Scheduled", ({ tasks }) => show.count(tasks.scheduled), MINOR),
  number("Retrying", ({ tasks }) => show.count(tasks.retrying), MINOR),
  number("Dead letters", ({ tasks }) => show.count(tasks.failed)),
  number("Accepted/s", ({ rates }) => show.rate(rates.acceptedPerSecond), MINOR),
  number("Succeeded/s", ({ rates }) => show.rate(rates.succeededPerSecond), MINOR),
];

export const TYPES = [
  text("Type", ({ name }) => element("span", { title: name }, show.shortName(name))),
  number("Queued", ({ tasks }) => show.count(tasks.queued), MINOR),
  number("Running", ({ tasks }) => show.count(tasks.running), MINOR),
  number("Succeeded", ({ tasks }) => show.count(tasks.succeeded)),
  number("Failed", ({ tasks }) => show.count(tasks.failed)),
  number("Runs p50", ({ runTime }) => show.seconds(runTime.p50Seconds), MINOR),
  number("p95", ({ runTime }) => show.seconds(runTime.p95Seconds)),
];

export const WORKERS = [
  id("Worker", ({ worker }) => worker.id),
  text("State", (one) => badge(workerState(one))),
  text("Machine", machine, MINOR),
  text("Queues", ({ worker }) => (worker.queues ?? []).join(", ") || "–", MINOR),
  text("Slots", slots),
  number("Succeeded", ({ succeeded }) => show.count(succeeded), MINOR),
  number("Failed", ({ failed }) => show.count(failed), MINOR),
];

export const RECENT = [
  id("Task", (task) => task.id),
  text("State", ({ state }) => badge(show.stateName(state))),
  text("Type", ({ spec }) => show.shortName(spec.input?.["@type"])),
  text("Queue", ({ spec }) => spec.queue, MINOR),
  number("Attempt", ({ attempt }) => show.count(attempt), MINOR),
  number("Restarts", ({ restarts }) => show.count(restarts), MINOR),
  text("Says", says, "says"),
  number("Accepted", ({ createTime }) => show.clock(createTime), MINOR),
  number("Took", ({ createTime, endTime }) => show.secondsBetween(createTime, endTime)),
];

export const TIMES = [
  text("", ({ name }) => name),
  number("p50", ({ of }) => show.seconds(of.p50Seconds)),
  number("p95", ({ of }) => show.seconds(of.p95Seconds)),
  number("p99", ({ of }) => show.seconds(of.p99Seconds)),
  number("max", ({ of }) => show.seconds(of.maxSeconds)),
];

/** Set apart, for it is cut at its start and yet reads from left to right. */
function wholeId(given) {
  return element("span", { title: given }, element("bdi", {}, given));
}

function queueName(queue) {
  const badges = [...notServed(queue), ...withoutWorker(queue)].flatMap((each) => [" ", each]);
  return element("span", {}, queueState(queue), ...badges);
}

function notServed({ notServed: isNot }) {
  if (!isNot) return [];
  const title = "Tasks wait in it, and no worker that is alive takes any from it";
  return [element("span", { title }, badge("not served"))];
}

/** Tasks of types that no live worker serves, where others of the queue may be served. */
function withoutWorker({ notServed: isNot, unserved, types = [] }) {
  if (isNot || !unserved) return [];
  const names = types.filter((type) => type.unserved).map(({ name }) => name);
  const title = `${show.count(unserved)} wait, and no live worker serves ${names.join(", ")} from this queue`;
  const which = names.length === 1 ? show.shortName(names[0]) : `${names.length} types`;
  return [element("span", { title }, badge("no worker", `no worker for ${which}`))];
}

function queueState({ name, pause }) {
  if (!pause) return name;
  const { time, reason, requestedBy } = pause;
  const said = [`since ${show.moment(time)}`, requestedBy, reason].filter(Boolean).join(" · ");
  return element("span", { title: said }, `${name} `, badge("paused"));
}

function machine({ worker }) {
  return worker.host ? `${worker.host} · ${worker.pid}` : "–";
}

function slots({ alive, worker }) {
  return alive ? bar(worker.running ?? 0, worker.concurrency ?? 0) : "–";
}

/** What there is to say of a task, by its state. */
const SAYS = {
  TASK_STATE_SCHEDULED: ({ nextAttemptTime }) => `starts ${show.moment(nextAttemptTime)}`,
  TASK_STATE_RUNNING: ({ progress = {}, error }) => progressText(progress) || errorText(error),
  TASK_STATE_RETRYING: ({ nextAttemptTime, error }) =>
    `again ${show.moment(nextAttemptTime)} · ${errorText(error)}`,
  TASK_STATE_SUCCEEDED: () => "",
  TASK_STATE_CANCELED: ({ cancelReason }) => cancelReason,
  TASK_STATE_EXPIRED: () => "not started in time",
};

function says(task) {
  const saying = SAYS[task.state] ?? (({ error }) => errorText(error));
  return saying(task) || "–";
}

/** Of what a handler has told of an error besides, as much as a cell has room for. */
const MAX_DETAILS = 200;

function errorText(error) {
  if (!error) return "";
  const details = error.details ? ` ${JSON.stringify(error.details)}`.slice(0, MAX_DETAILS) : "";
  return `${error.code}: ${error.message}${details}`;
}

function progressText({ fraction, note }) {
  const percent = fraction === undefined ? "" : `${Math.round(fraction * 100)} %`;
  return [percent, note].filter(Boolean).join(" · ");
}

function workerState({ alive, worker }) {
  if (!alive) return "gone";
  return worker.leaving ? "leaving" : "alive";
}
