import { QUEUES, RECENT, TIMES, TYPES, WORKERS } from "./columns.js";
import { element, figure, table } from "./elements.js";
import * as show from "./format.js";
import { watchOverview } from "./watch.js";

const STATES = [
  "scheduled",
  "queued",
  "running",
  "retrying",
  "succeeded",
  "failed",
  "canceled",
  "expired",
];

/** What the name of a state does not say. */
const TITLES = {
  scheduled: "Their start time is to come",
  failed: "Dead letters: failed for good, neither started again nor deleted",
  expired: "Not started in time",
};

/** Every part of the page: where it is, what of the overview it shows, and how. */
const PARTS = [
  { id: "namespace", pick: ({ namespace = "" }) => namespace, render: (name) => [name] },
  { id: "warning", pick: ({ history = {} }) => history.level, render: warning },
  { id: "history", pick: ({ history }) => history, render: room },
  { id: "tasks", pick: ({ tasks }) => tasks, render: tiles },
  { id: "rates", pick: ({ rates }) => rates, render: speeds },
  { id: "times", pick: ({ queueWait, runTime }) => [queueWait, runTime], render: times },
  {
    id: "queues",
    pick: (all) => all.queues ?? [],
    render: (rows) => [table(QUEUES, rows, "No queues.")],
  },
  {
    id: "types",
    pick: (all) => all.taskTypes ?? [],
    render: (rows) => [table(TYPES, rows, "None seen yet.")],
  },
  {
    id: "workers",
    pick: (all) => all.workers ?? [],
    render: (rows) => [table(WORKERS, rows, "No worker is alive: tasks wait.")],
  },
  {
    id: "recent",
    pick: (all) => all.recentTasks ?? [],
    render: (rows) => [table(RECENT, rows, "None yet.")],
  },
  { id: "gateway", pick: ({ gatewayUrl = "" }) => gatewayUrl, render: gateway },
  { id: "reading", pick: reading, render: (text) => [text] },
];

/** What is to come, by how full the history is. */
const WARNINGS = {
  HISTORY_LEVEL_FILLING:
    "The history fills up: when it is nearly full, the oldest tasks that have ended leave before their time.",
  HISTORY_LEVEL_NEARLY_FULL:
    "The history is nearly full: the oldest tasks that have ended leave before their time. When none is left that has ended, submits are refused.",
};

const shown = new Map();

function renderAll(overview) {
  for (const { id, pick, render } of PARTS) {
    const part = pick(overview);
    // What has not changed stays, so that text can be selected and scrolled to.
    const json = JSON.stringify(part);
    if (shown.get(id) === json) continue;
    shown.set(id, json);
    document.getElementById(id).replaceChildren(...render(part));
  }
  const isEmpty = Object.values(overview.tasks ?? {}).every((tasks) => Number(tasks) === 0);
  document.getElementById("empty").hidden = !(isEmpty && overview.upToDate);
}

function warning(level) {
  return WARNINGS[level] ? [WARNINGS[level]] : [];
}

function room(history) {
  if (history === undefined) return ["Not known yet."];
  const { share = 0, bytes, maxBytes, oldestEventTime } = history;
  const taken = maxBytes
    ? `${show.bytes(bytes)} of ${show.bytes(maxBytes)}, ${Math.floor(share * 100)} %`
    : show.bytes(bytes);
  return [
    element("meter", { min: 0, max: 1, value: share }),
    ` ${taken} · oldest event ${show.moment(oldestEventTime)}`,
  ];
}

function tiles(tasks = {}) {
  return STATES.map((state) =>
    figure(state, show.count(tasks[state]), {
      "data-state": state.toUpperCase(),
      title: TITLES[state],
    }),
  );
}

function speeds(rates = {}) {
  return [
    figure("accepted", show.rate(rates.acceptedPerSecond)),
    figure("started", show.rate(rates.startedPerSecond)),
    figure("succeeded", show.rate(rates.succeededPerSecond)),
    figure("failed", show.rate(rates.failedPerSecond)),
    figure("retried", show.rate(rates.retriedPerSecond)),
  ];
}

function times([queueWait = {}, runTime = {}]) {
  const rows = [
    { name: "queue wait", of: queueWait },
    { name: "run time", of: runTime },
  ];
  return [table(TIMES, rows, "")];
}

/** The command is shown where it is known whom to call. */
function gateway(url) {
  document.querySelector("#empty pre").hidden = url === "";
  return [url];
}

function reading({ time, sequence, upToDate }) {
  const at = `event ${show.count(sequence)} · ${show.clock(time)}`;
  return upToDate ? at : `${at} · not up to date`;
}

function showConnection(isUp) {
  const connection = document.getElementById("connection");
  connection.textContent = isUp ? "connected" : "reconnecting";
  connection.dataset.up = String(isUp);
  document.body.classList.toggle("stale", !isUp);
}

await watchOverview(renderAll, showConnection);
