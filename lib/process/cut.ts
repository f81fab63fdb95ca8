const encoder = new TextEncoder();
const MARK = "…";

/** The text, of at most so many bytes of UTF-8; where some was cut off, it ends with a mark. */
export function cut(text: string, maxBytes: number): string {
  const whole = text.isWellFormed() ? text : text.toWellFormed();
  if (whole.length * 3 <= maxBytes) return whole;
  const { read } = encoder.encodeInto(whole, new Uint8Array(maxBytes));
  if (read === whole.length) return whole;
  const room = new Uint8Array(maxBytes - encoder.encode(MARK).length);
  return whole.slice(0, encoder.encodeInto(whole, room).read) + MARK;
}
