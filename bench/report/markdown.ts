import { megabytes, numberText } from "./number-text.ts";
import type { Report } from "./report.ts";
import { NOISY_SHARE, type Summary, summariesOf } from "./summarize.ts";

/** All ratios are to this system. */
const OURS = "millrace";

/** A report for people. */
export function markdownOf(report: Report): string {
  const summaries = summariesOf(report);
  const sections = [
    headOf(report),
    systemsOf(report),
    checksOf(report),
    ...report.works.map((work) => workOf(work, summaries)),
  ];
  return `${sections.map((lines) => lines.join("\n")).join("\n\n")}\n`;
}

function headOf({ beganAt, commit, form, rounds, callers, machine, settings }: Report): string[] {
  const { cpu, cores, memoryBytes, kernel, node, disk } = machine;
  const changed = Object.entries(settings).map(([name, value]) => `${name}=${value}`);
  return [
    `# Benchmark of ${beganAt.slice(0, 10)}`,
    "",
    `${form} form, ${rounds} rounds, ${callers} callers, commit ${commit}, begun ${beganAt}.`,
    `${cores} cores (${cpu}), ${megabytes(memoryBytes)}, Linux ${kernel}, Node ${node}, data on ${disk}.`,
    `Settings of Millrace: ${changed.length === 0 ? "as they ship" : changed.join(", ")}.`,
    "",
    "Figures are medians over rounds, with the least and the most in parentheses.",
  ];
}

function systemsOf({ systems, leftOut }: Report): string[] {
  const rows = systems.map(({ name, description, choice, durability, tried, versions }) => [
    name,
    description,
    [choice, ...tried.map((each) => `${each.choice}: ${numberText(each.tasksPerSecond)}/s`)].join(
      "; tried ",
    ),
    durability,
    Object.entries(versions)
      .map(([part, version]) => `${part} ${version}`)
      .join(", "),
  ]);
  return [
    "## Systems",
    "",
    ...table(["name", "what", "concurrency", "durability", "versions"], rows),
    ...leftOut.map(({ system, why }) => `\nLeft out: ${system}. ${why}`),
  ];
}

function checksOf({ checks }: Report): string[] {
  const wrong = checks.filter((check) => check.wrong);
  const accepted = checks.reduce((sum, check) => sum + check.accepted, 0);
  const forgotten = checks.reduce((sum, check) => sum + (check.forgotten ?? 0), 0);
  if (wrong.length === 0) {
    return [
      "## Completion",
      "",
      `All ${numberText(accepted)} tasks that were accepted ended, each once, by what each system had stored.`,
      ...(forgotten === 0
        ? []
        : [
            `${numberText(forgotten)} of them had left a full store by then; their callers had been told the end.`,
          ]),
    ];
  }
  return [
    "## Completion: not exact",
    "",
    ...wrong.map((check) => `- ${check.system}, round ${check.round}: ${check.wrong}`),
  ];
}

function workOf(
  { name, title, description }: Report["works"][number],
  summaries: readonly Summary[],
): string[] {
  const cases = Map.groupBy(
    summaries.filter(({ work }) => work === name),
    (summary) => summary.case,
  );
  const tables = [...cases].flatMap(([of, each]) => ["", `### ${of}`, "", ...caseOf(each)]);
  return [`## ${title} (\`${name}\`)`, "", description, ...tables];
}

function caseOf(summaries: readonly Summary[]): string[] {
  const names = new Set(summaries.flatMap(({ figures }) => figures.map(({ name }) => name)));
  const ours = summaries.find(({ system }) => system === OURS);
  const rows = summaries.map((summary) => [
    summary.system,
    ...[...names].map((name) => cellOf(name, summary, ours)),
    roundsText(summary),
  ]);
  return [
    ...table(["system", ...names, "rounds"], rows),
    "",
    ...summaries.map((summary) => `- ${summary.system}: ${detailsOf(summary)}`),
  ];
}

/** A rival's comes with what it is as a multiple of ours. */
function cellOf(name: string, summary: Summary, ours: Summary | undefined): string {
  const spread = figureOf(summary, name);
  if (!spread) return "–";
  const { median, least, most } = spread;
  const text = `${numberText(median)} (${numberText(least)}–${numberText(most)})`;
  const ratio = median / Number(figureOf(ours, name)?.median);
  return summary === ours || !Number.isFinite(ratio) ? text : `${text} · ${numberText(ratio)} ×`;
}

function figureOf(summary: Summary | undefined, name: string) {
  return summary?.figures.find((figure) => figure.name === name);
}

function roundsText({ counted, noisy }: Summary): string {
  if (noisy === 0) return String(counted);
  const percent = NOISY_SHARE * 100;
  return `${counted}; in ${noisy} others used more than ${percent} % of the CPU`;
}

function detailsOf({ cpuMicrosPerTask, peakBytes, trafficPerTask }: Summary): string {
  const parts = [
    listOf("CPU µs/task", cpuMicrosPerTask, numberText),
    listOf("peak memory", peakBytes, megabytes),
    listOf("broker, per task", trafficPerTask, numberText),
  ];
  return parts.filter((part) => part !== "").join("; ");
}

function listOf(
  what: string,
  values: Readonly<Record<string, number>>,
  text: (value: number) => string,
): string {
  const entries = Object.entries(values);
  if (entries.length === 0) return "";
  return `${what}: ${entries.map(([name, value]) => `${name} ${text(value)}`).join(", ")}`;
}

/** A table in Markdown, with a bar between columns and nothing else for looks. */
function table(head: readonly string[], rows: readonly (readonly string[])[]): readonly string[] {
  return [rowOf(head), rowOf(head.map(() => "---")), ...rows.map(rowOf)];
}

function rowOf(cells: readonly string[]): string {
  return `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
}
