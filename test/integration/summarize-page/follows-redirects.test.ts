import { describe, expect, test } from "vitest";
import { PermanentError } from "#lib/task/handler-errors.ts";
import { ARTICLE } from "./article.ts";
import { LocalServer } from "./local-server.ts";
import { run } from "./run-handler.ts";

/** /5 redirects to /4, and so on; /0 is the article. */
function staircase() {
  return LocalServer.start((request, response) => {
    const step = Number(request.url?.slice(1));
    if (step === 0) return response.writeHead(200, { "content-type": "text/html" }).end(ARTICLE);
    return response.writeHead(302, { location: `/${step - 1}` }).end("moved");
  });
}

function redirectTo(location: string) {
  return LocalServer.start((_request, response) => response.writeHead(301, { location }).end());
}

function summarize(server: LocalServer, path = "/") {
  return run({ url: server.url(path), settings: { fetchAllowHosts: [server.host] } });
}

test("a chain of five redirects is followed, and the summary names the last address", async () => {
  await using server = await staircase();
  const { attempt, output } = summarize(server, "/5");
  expect((await output).url).toBe(server.url("/0"));
  const redirects = attempt.lines.filter((line) => line.includes("redirected to"));
  expect(redirects).toHaveLength(5);
  const fractions = attempt.reports.map(({ fraction = Number.NaN }) => fraction);
  expect(fractions).toEqual(fractions.toSorted((a, b) => a - b));
});

test("a sixth redirect is not followed", async () => {
  await using server = await staircase();
  await expect(summarize(server, "/6").output).rejects.toMatchObject({
    code: "TOO_MANY_REDIRECTS",
    name: "PermanentError",
  });
});

test("a password in an address does not reach the output", async () => {
  await using server = await staircase();
  const url = server.url("/0").replace("//", "//me:secret@");
  const { output } = run({ url, settings: { fetchAllowHosts: [server.host] } });
  expect((await output).url).toBe(server.url("/0"));
});

describe("a private address", () => {
  test.each([
    "127.0.0.1",
    "0x7f000001",
    "2130706433",
    "017700000001",
    "127.1",
    "[::1]",
    "[::ffff:127.0.0.1]",
    "[64:ff9b::7f00:1]",
    "localhost",
    "0.0.0.0",
  ])("is refused when written as %s, and never connected to", async (host) => {
    let connections = 0;
    await using server = await staircase();
    await using watched = await LocalServer.start(() => {
      connections += 1;
    });
    const port = watched.host.split(":")[1];
    const settings = { fetchAllowHosts: [server.host] };
    const { output } = run({ url: `http://${host}:${port}/`, settings });
    await expect(output).rejects.toBeInstanceOf(PermanentError);
    await expect(output).rejects.toMatchObject({
      code: "ADDRESS_REFUSED",
      message: expect.stringContaining("MILLRACE_FETCH_ALLOW_HOSTS"),
    });
    expect(connections).toBe(0);
  });

  test("is refused as the target of a redirect", async () => {
    await using target = await staircase();
    await using server = await redirectTo(target.url("/0"));
    await expect(summarize(server).output).rejects.toMatchObject({ code: "ADDRESS_REFUSED" });
  });

  test("is fetched as the target of a redirect when the operator allows it", async () => {
    await using target = await staircase();
    await using server = await redirectTo(target.url("/0"));
    const settings = { fetchAllowHosts: [server.host, target.host] };
    const { output } = run({ url: server.url("/"), settings });
    expect((await output).url).toBe(target.url("/0"));
  });

  test("is allowed by the very host and port, not by its host alone", async () => {
    await using server = await staircase();
    const settings = { fetchAllowHosts: ["127.0.0.1", "127.0.0.1:80"] };
    const { output } = run({ url: server.url("/0"), settings });
    await expect(output).rejects.toMatchObject({ code: "ADDRESS_REFUSED" });
  });
});

test.each(["file:///etc/passwd", "ftp://example.com/", "javascript:alert(1)"])(
  "a redirect to %s is refused",
  async (location) => {
    await using server = await redirectTo(location);
    await expect(summarize(server).output).rejects.toMatchObject({
      code: "ADDRESS_REFUSED",
      message: expect.stringContaining("only http: and https: are fetched"),
    });
  },
);
