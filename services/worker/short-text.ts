/** Longest log line or note of progress that is kept as it is. */
const MAX_LENGTH = 4_000;

/** What a handler says as a text; handlers in JavaScript may give anything. One that is too long says how much is missing. */
export function shortText(given: unknown): string {
  const text = textOf(given);
  if (text.length <= MAX_LENGTH) return text.trimEnd();
  const left = text.length - MAX_LENGTH;
  return `${text.slice(0, MAX_LENGTH).trimEnd()}… (${left} more characters are left out)`;
}

function textOf(given: unknown): string {
  try {
    return String(given);
  } catch {
    return `(a value of type ${typeof given} that can't be shown)`;
  }
}
