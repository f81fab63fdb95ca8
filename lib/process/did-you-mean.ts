/** Names of up to this many characters are near when one edit apart, longer ones in proportion. */
const CHARS_PER_EDIT = 3;

/** ` (did you mean "x"?)` when one of the names is near enough, else nothing. */
export function didYouMean(given: string, names: readonly string[]): string {
  const near = nearest(given, names);
  return near === undefined ? "" : ` (did you mean "${near}"?)`;
}

/** The name that was most likely meant; undefined if none is near enough. */
export function nearest(given: string, names: readonly string[]): string | undefined {
  const near = names
    .map((name) => ({ name, edits: editsBetween(given.toLowerCase(), name.toLowerCase()) }))
    .filter(({ name, edits }) => edits <= Math.ceil(name.length / CHARS_PER_EDIT))
    .sort((a, b) => a.edits - b.edits);
  return near[0]?.name;
}

/** Letters to insert, remove or replace (Levenshtein). */
function editsBetween(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (const [i, letter] of [...a].entries()) {
    const next = [i + 1];
    for (let j = 1; j <= b.length; j++) {
      const replaced = (row[j - 1] ?? 0) + (letter === b[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
