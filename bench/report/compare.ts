import { BenchError } from "../bench-error.ts";
import { numberText } from "./number-text.ts";
import { REPORT_FORMAT, type Report } from "./report.ts";
import { type Summary, summariesOf } from "./summarize.ts";

/** A figure in two reports. */
interface Change {
  readonly work: string;
  readonly case: string;
  readonly system: string;
  readonly figure: string;
  readonly was: number;
  readonly is: number;
  /** How much worse it is, as a share of what it was; negative: it is better. */
  readonly worse: number;
  /** Whether even its better rounds are worse than the worse rounds were. */
  readonly certain: boolean;
}

/** Smaller changes come and go by themselves. */
const TOLERANCE = 0.05;

/** Every figure that both reports have. */
export function changesBetween(was: Report, is: Report): readonly Change[] {
  for (const { format } of [was, is]) {
    if (format !== REPORT_FORMAT) {
      throw new BenchError(
        `reports of format ${format} can't be compared, only those of format ${REPORT_FORMAT}`,
      );
    }
  }
  const before = new Map(summariesOf(was).map((summary) => [keyOf(summary), summary]));
  return summariesOf(is).flatMap((summary) => {
    const other = before.get(keyOf(summary));
    return other ? changesOf(other, summary) : [];
  });
}

/** What got slower, in lines for people; no verdict, for that takes somebody who knows what was changed. */
export function comparisonText(was: Report, is: Report): readonly string[] {
  const changes = changesBetween(was, is);
  const machines = [was, is].map(({ machine }) => `${machine.cores} × ${machine.cpu}`);
  const slower = changes.filter(({ worse }) => worse > TOLERANCE);
  return [
    `against the report of ${was.beganAt}, commit ${was.commit}: ${changes.length} figures compared`,
    ...(machines[0] === machines[1]
      ? []
      : [`that was on another machine (${machines[0]}): look at ratios between systems only`]),
    ...(changes.length > 0 && slower.length === 0
      ? [`none is worse by more than ${TOLERANCE * 100} %`]
      : []),
    ...slower.toSorted((a, b) => b.worse - a.worse).map(changeText),
  ];
}

function changeText(change: Change): string {
  const { system, work, figure, was, is, worse, certain } = change;
  const doubt = certain ? "" : " (rounds overlap: may be noise)";
  const percent = numberText(worse * 100);
  return `${system} · ${work}: ${change.case}: ${figure} ${numberText(was)} → ${numberText(is)}, worse by ${percent} %${doubt}`;
}

function changesOf(was: Summary, is: Summary): Change[] {
  const { work, system } = is;
  const before = new Map(was.figures.map((figure) => [figure.name, figure]));
  return is.figures.flatMap((after) => {
    const earlier = before.get(after.name);
    if (!earlier || !(earlier.median > 0)) return [];
    const [worse, certain] =
      after.better === "less"
        ? [after.median / earlier.median - 1, after.least > earlier.most]
        : [1 - after.median / earlier.median, after.most < earlier.least];
    const values = { was: earlier.median, is: after.median, worse, certain };
    return [{ work, case: is.case, system, figure: after.name, ...values }];
  });
}

function keyOf(summary: Summary): string {
  return JSON.stringify([summary.work, summary.case, summary.system]);
}
