const KIB = 1024;
const MIB = KIB * KIB;

const GROUPED = new Intl.NumberFormat("en-US");

/** "1 word", "12,345 words". */
export function inWords(count: number, unit: string): string {
  return `${GROUPED.format(count)} ${unit}${count === 1 ? "" : "s"}`;
}

/** "512 bytes", "340 KB", "5 MB", "7.2 MB". */
export function sizeInWords(bytes: number): string {
  if (bytes < KIB) return inWords(bytes, "byte");
  if (bytes < MIB) return `${kilobytes(bytes)} KB`;
  return `${Math.round((bytes / MIB) * 10) / 10} MB`;
}

export function kilobytes(bytes: number): number {
  return Math.ceil(bytes / KIB);
}
