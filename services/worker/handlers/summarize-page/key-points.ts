const HEADING = /^[\s#*_>]*key[\s-]?(?:points|takeaways)[\s*_]*:?[\s*_]*$/i;
const BULLET = /^\s*(?:[-*•–]|\d{1,2}[.)])\s+(?=\S)/;

/** A model's text, parted into what it was asked for. */
export interface Parted {
  readonly summary: string;
  readonly keyPoints: string[];
}

/** Parts a detailed summary from its key points, also if the model wrote them in a way of its own. */
export function partKeyPoints(text: string): Parted {
  const lines = text.trim().split(/\r?\n/);
  const heading = lines.findLastIndex((line) => HEADING.test(line));
  const start = heading === -1 ? trailingBullets(lines) : heading;
  const keyPoints = pointsIn(lines.slice(heading === -1 ? start : start + 1));
  const summary = lines.slice(0, start).join("\n").trim();
  // Nothing but key points, or a heading without any: the text as it is beats an empty summary.
  if (summary === "" || keyPoints.length === 0) return { summary: text.trim(), keyPoints };
  return { summary, keyPoints };
}

/** Where the list at the very end begins; one bullet is no list. */
function trailingBullets(lines: readonly string[]): number {
  const before = lines.findLastIndex((line) => line.trim() !== "" && !BULLET.test(line));
  const bullets = lines.slice(before + 1).filter((line) => BULLET.test(line));
  return bullets.length > 1 ? before + 1 : lines.length;
}

function pointsIn(lines: readonly string[]): string[] {
  const bullets = lines.filter((line) => BULLET.test(line));
  const points = bullets.length > 0 ? bullets : lines;
  return [...new Set(points.map(plain).filter((point) => point !== ""))];
}

function plain(line: string): string {
  return line.replace(BULLET, "").replaceAll("**", "").trim();
}
