/** Three digits that count, with commas between thousands. */
export function numberText(value: number): string {
  if (!Number.isFinite(value)) return "–";
  if (Math.abs(value) >= 100) return Math.round(value).toLocaleString("en-US");
  return String(Number(value.toPrecision(3)));
}

export function megabytes(bytes: number): string {
  return `${numberText(bytes / 2 ** 20)} MiB`;
}
