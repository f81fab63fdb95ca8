import type { RequestListener } from "node:http";
import { gzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { LocalServer } from "./local-server.ts";
import { run } from "./run-handler.ts";

const HTML = { "content-type": "text/html" };

/** What became of fetching from such a server. */
async function failure(listener: RequestListener, settings = {}) {
  await using server = await LocalServer.start(listener);
  const given = { fetchAllowHosts: [server.host], ...settings };
  const { output } = run({ url: server.url("/"), settings: given });
  const error = await output.then(
    () => expect.fail("the attempt was to fail"),
    (thrown: unknown) => thrown,
  );
  expect(error).toMatchObject({ message: expect.stringContaining("127.0.0.1") });
  return error;
}

test.each([
  [404, "PermanentError"],
  [401, "PermanentError"],
  [304, "PermanentError"],
  [408, "TransientError"],
  [425, "TransientError"],
  [429, "TransientError"],
  [500, "TransientError"],
  [503, "TransientError"],
])("status %d is a %s", async (status, name) => {
  const error = await failure((_request, response) => response.writeHead(status, HTML).end());
  expect(error).toMatchObject({
    name,
    code: "HTTP_STATUS",
    message: expect.stringContaining(String(status)),
  });
});

test("a page that says it is too large is refused before it is read", async () => {
  const error = await failure(
    (_request, response) => {
      response.writeHead(200, { ...HTML, "content-length": 10 * 2 ** 20 }).flushHeaders();
    },
    { fetchMaxBytes: 2 ** 20 },
  );
  expect(error).toMatchObject({
    name: "PermanentError",
    code: "TOO_LARGE",
    message: expect.stringContaining("at most 1 MB are read"),
  });
});

test("a page that does not say its size is refused once it is too large", async () => {
  const error = await failure(
    (_request, response) => {
      response.writeHead(200, HTML);
      const more = () => {
        while (!response.destroyed && response.write("<p>water</p>".repeat(1_000)));
      };
      response.on("drain", more);
      more();
    },
    { fetchMaxBytes: 100_000 },
  );
  expect(error).toMatchObject({ name: "PermanentError", code: "TOO_LARGE" });
});

test("a page that is too large once decompressed is refused", async () => {
  const bomb = gzipSync(Buffer.alloc(8 * 2 ** 20));
  expect(bomb.length).toBeLessThan(10_000);
  const error = await failure(
    (_request, response) => {
      response.writeHead(200, { ...HTML, "content-encoding": "gzip" }).end(bomb);
    },
    { fetchMaxBytes: 2 ** 20 },
  );
  expect(error).toMatchObject({ name: "PermanentError", code: "TOO_LARGE" });
});

test("a page that never ends is given up when its time is up", async () => {
  const error = await failure(
    (_request, response) => {
      response.writeHead(200, HTML).write("<p>a drop");
      const drip = setInterval(() => response.write("."), 20);
      response.on("close", () => clearInterval(drip));
    },
    { fetchTimeoutMs: 300 },
  );
  expect(error).toMatchObject({
    name: "TransientError",
    code: "FETCH_TIMEOUT",
    message: expect.stringContaining("within 0.3 s"),
  });
});

test("a server that never answers is given up when its time is up", async () => {
  const error = await failure(() => {}, { fetchTimeoutMs: 200 });
  expect(error).toMatchObject({ name: "TransientError", code: "FETCH_TIMEOUT" });
});

test("a connection that breaks off in the page may be tried again", async () => {
  const error = await failure((_request, response) => {
    response.writeHead(200, { ...HTML, "content-length": 1_000 });
    response.write("<p>half", () => response.destroy());
  });
  expect(error).toMatchObject({ name: "TransientError", code: "CONNECT_FAILED" });
});

async function hostThatIsGone(): Promise<string> {
  await using server = await LocalServer.start(() => {});
  return server.host;
}

test("a server that is not there may be tried again", async () => {
  const host = await hostThatIsGone();
  const { output } = run({ url: `http://${host}/`, settings: { fetchAllowHosts: [host] } });
  await expect(output).rejects.toMatchObject({ name: "TransientError", code: "CONNECT_FAILED" });
});

test.each(["image/png", "application/pdf", "application/json"])("%s is refused", async (type) => {
  const error = await failure((_request, response) => {
    response.writeHead(200, { "content-type": type }).end("data");
  });
  expect(error).toMatchObject({
    name: "PermanentError",
    code: "UNSUPPORTED_CONTENT",
    message: expect.stringContaining(`sent ${type}; only text/html`),
  });
});

test.each([
  ["zstd", "content-encoding zstd"],
  ["gzip", "gzip that is damaged"],
])("a body that is not what %s should be is refused", async (encoding, said) => {
  const error = await failure((_request, response) => {
    response.writeHead(200, { ...HTML, "content-encoding": encoding }).end("not compressed at all");
  });
  expect(error).toMatchObject({
    code: "UNSUPPORTED_CONTENT",
    message: expect.stringContaining(said),
  });
});

test.each(["", "<html><body><nav>Menu</nav><script>draw()</script></body></html>"])(
  "a page with no readable text is refused: %j",
  async (body) => {
    const error = await failure((_request, response) => response.writeHead(200, HTML).end(body));
    expect(error).toMatchObject({ name: "PermanentError", code: "NO_TEXT" });
  },
);
