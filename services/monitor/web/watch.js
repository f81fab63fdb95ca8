const PATH = "/millrace.v1.MonitorService/WatchOverview";
const HEADERS = { "content-type": "application/connect+json", "connect-protocol-version": "1" };
const PREFIX_BYTES = 5;
const END_OF_STREAM = 2;

/** A message comes every second; after this long without one, the line is dead. */
const SILENCE_MS = 6_000;
const FIRST_BACKOFF_MS = 500;
const LONGEST_BACKOFF_MS = 10_000;

/** Calls back with every overview, and with whether the line is up, for as long as the page is open. */
export async function watchOverview(onOverview, onConnection) {
  let backoffMs = FIRST_BACKOFF_MS;
  for (;;) {
    try {
      for await (const { overview } of messages({ interval: "1s" })) {
        backoffMs = FIRST_BACKOFF_MS;
        onConnection(true);
        onOverview(overview);
      }
    } catch {
      // Whatever it was, the answer is to try again.
    }
    onConnection(false);
    await new Promise((resolve) => setTimeout(resolve, backoffMs));
    backoffMs = Math.min(backoffMs * 2, LONGEST_BACKOFF_MS);
  }
}

/** The messages of the stream, by the Connect protocol. Throws when it breaks. */
async function* messages(request) {
  const silent = new AbortController();
  let timer = setTimeout(() => silent.abort(), SILENCE_MS);
  try {
    const { signal } = silent;
    const response = await fetch(PATH, {
      method: "POST",
      headers: HEADERS,
      body: envelope(request),
      signal,
    });
    if (!response.ok) throw new Error(`answered ${response.status}`);
    for await (const { flags, message } of envelopes(response.body.getReader())) {
      if (flags & END_OF_STREAM) return;
      clearTimeout(timer);
      timer = setTimeout(() => silent.abort(), SILENCE_MS);
      yield message;
    }
  } finally {
    clearTimeout(timer);
    silent.abort();
  }
}

/** One byte of flags, four of length, and the message as JSON. */
function envelope(message) {
  const json = new TextEncoder().encode(JSON.stringify(message));
  const bytes = new Uint8Array(PREFIX_BYTES + json.length);
  new DataView(bytes.buffer).setUint32(1, json.length);
  bytes.set(json, PREFIX_BYTES);
  return bytes;
}

async function* envelopes(reader) {
  let rest = new Uint8Array();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    rest = joined(rest, value);
    for (let end = endOfFirst(rest); end <= rest.length; end = endOfFirst(rest)) {
      const json = new TextDecoder().decode(rest.subarray(PREFIX_BYTES, end));
      yield { flags: rest[0], message: JSON.parse(json) };
      rest = rest.slice(end);
    }
  }
}

function endOfFirst(bytes) {
  if (bytes.length < PREFIX_BYTES) return Number.POSITIVE_INFINITY;
  return PREFIX_BYTES + new DataView(bytes.buffer, bytes.byteOffset).getUint32(1);
}

function joined(a, b) {
  const bytes = new Uint8Array(a.length + b.length);
  bytes.set(a);
  bytes.set(b, a.length);
  return bytes;
}
