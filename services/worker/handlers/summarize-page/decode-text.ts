/** Browsers look for a <meta charset> in this many bytes. */
const META_BYTES = 1024;
const DEFAULT_CHARSET = "utf-8";

export interface DecodedText {
  readonly text: string;
  /** By which it was decoded. */
  readonly charset: string;
  /** Charsets that the page or its server named, and nobody knows. */
  readonly unknown: readonly string[];
}

/** Decodes a page by its byte order mark, its content-type, its own <meta>, or else as UTF-8. */
export function decodeText(bytes: Uint8Array, contentType: string): DecodedText {
  const unknown: string[] = [];
  for (const label of labels(bytes, contentType)) {
    const decoder = decoderFor(label);
    if (decoder !== undefined) {
      return { text: decoder.decode(bytes), charset: decoder.encoding, unknown };
    }
    unknown.push(label);
  }
  const text = new TextDecoder(DEFAULT_CHARSET).decode(bytes);
  return { text, charset: DEFAULT_CHARSET, unknown };
}

/** What is said of the charset, the most reliable first. */
function labels(bytes: Uint8Array, contentType: string): string[] {
  const said = [byByteOrderMark(bytes), byContentType(contentType), byMeta(bytes)];
  return said.filter((label) => label !== undefined);
}

function byByteOrderMark([first, second, third]: Uint8Array): string | undefined {
  if (first === 0xef && second === 0xbb && third === 0xbf) return "utf-8";
  if (first === 0xfe && second === 0xff) return "utf-16be";
  if (first === 0xff && second === 0xfe) return "utf-16le";
  return undefined;
}

function byContentType(contentType: string): string | undefined {
  return /;\s*charset\s*=\s*["']?([^\s;"']+)/i.exec(contentType)?.[1];
}

function byMeta(bytes: Uint8Array): string | undefined {
  const head = new TextDecoder("latin1").decode(bytes.subarray(0, META_BYTES));
  const meta = /<meta[^>]{0,300}?charset\s*=\s*["']?([^\s"'/>;]+)/i.exec(head)?.[1];
  const label = meta ?? /^\s*<\?xml[^>]{0,300}?encoding\s*=\s*["']([^"']+)/i.exec(head)?.[1];
  // It was read byte by byte, so it is not UTF-16 whatever it says.
  return label !== undefined && /^utf-?16/i.test(label) ? DEFAULT_CHARSET : label;
}

function decoderFor(label: string): InstanceType<typeof TextDecoder> | undefined {
  try {
    return new TextDecoder(label);
  } catch {
    return undefined;
  }
}
