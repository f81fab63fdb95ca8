import { styleText } from "node:util";

type Format = Parameters<typeof styleText>[0];

/** Colors a text, or leaves it alone. */
export type Paint = (format: Format, text: string) => string;

/** Colors where the stream is a terminal that wants them: NO_COLOR and FORCE_COLOR are heeded. */
export function paintFor(stream: NodeJS.WriteStream): Paint {
  return (format, text) => styleText(format, text, { stream });
}
