const WHOLE = new Intl.NumberFormat("en");
const RATE = new Intl.NumberFormat("en", { maximumFractionDigits: 2 });
const CLOCK = new Intl.DateTimeFormat("en-GB", { timeStyle: "medium" });

const DAY = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short" });

const UNITS = [
  { seconds: 86_400, name: "d" },
  { seconds: 3_600, name: "h" },
  { seconds: 60, name: "min" },
  { seconds: 1, name: "s" },
  { seconds: 0.001, name: "ms" },
];

/** JSON leaves out what is zero, and writes 64-bit numbers as text. */
export function count(value = 0) {
  return WHOLE.format(Number(value));
}

export function rate(value = 0) {
  return RATE.format(value);
}

/** Two digits that matter, in the unit that suits: 850 ms, 4.2 s, 12 min. */
export function seconds(value = 0) {
  if (value === 0) return "0 s";
  const unit = UNITS.find((one) => value >= one.seconds) ?? UNITS.at(-1);
  const inUnit = value / unit.seconds;
  return `${inUnit < 10 ? Math.round(inUnit * 10) / 10 : Math.round(inUnit)} ${unit.name}`;
}

const SIZES = ["B", "KiB", "MiB", "GiB", "TiB"];

/** As seconds, with a unit that suits: 512 B, 4.2 MiB, 2 GiB. */
export function bytes(value = 0) {
  const power = Math.min(Math.floor(Math.log2(Math.max(1, value)) / 10), SIZES.length - 1);
  const inUnit = value / 1024 ** power;
  return `${inUnit < 10 ? Math.round(inUnit * 10) / 10 : Math.round(inUnit)} ${SIZES[power]}`;
}

/** A Duration message: "1.5s". Not set: none. */
export function duration(value) {
  return value === undefined ? "–" : seconds(Number.parseFloat(value));
}

export function clock(timestamp) {
  return timestamp === undefined ? "–" : CLOCK.format(new Date(timestamp));
}

/** The time of day, with the day if that is not today. */
export function moment(timestamp) {
  if (timestamp === undefined) return "–";
  const day = DAY.format(new Date(timestamp));
  return day === DAY.format(new Date()) ? clock(timestamp) : `${day}, ${clock(timestamp)}`;
}

export function secondsBetween(from, to) {
  return from && to ? seconds(Math.max(0, Date.parse(to) - Date.parse(from)) / 1_000) : "–";
}

/** The last part of a type's full name. */
export function shortName(typeName = "") {
  return typeName.split(/[./]/).at(-1) || "–";
}

export function stateName(state = "") {
  return state.replace("TASK_STATE_", "");
}
