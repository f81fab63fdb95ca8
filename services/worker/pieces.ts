/** Largest piece of output, in UTF-16 units or bytes: at most 48 KiB on the wire. */
export const MAX_PIECE = 16 * 1024;

/** Handlers in JavaScript may give anything. */
export function isPiece(given: unknown): given is string | Uint8Array {
  return typeof given === "string" || given instanceof Uint8Array;
}

/** The piece in parts that fit into a message each. */
export function* parts(piece: string | Uint8Array): Generator<string | Uint8Array> {
  for (let from = 0; from < piece.length; ) {
    const to = endOfPart(piece, from);
    yield piece.slice(from, to);
    from = to;
  }
}

/** Never between the two halves of a character. */
function endOfPart(piece: string | Uint8Array, from: number): number {
  const to = from + MAX_PIECE;
  if (typeof piece !== "string" || to >= piece.length) return to;
  const isHigh = (piece.charCodeAt(to - 1) & 0xfc00) === 0xd800;
  return isHigh ? to - 1 : to;
}
