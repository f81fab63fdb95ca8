import { once } from "node:events";
import { type IncomingMessage, type RequestOptions, request } from "node:http";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { healthEndpoints } from "#lib/process/health-endpoints.ts";
import { Readiness } from "#lib/process/readiness.ts";
import { openConnectDoor } from "#lib/rpc/connect-door.ts";
import type { Door } from "#lib/rpc/door.ts";
import { Stage } from "./stage.ts";

const GET_TASK = "/millrace.v1.TaskService/GetTask";
const QUERY = "?connect=v1&encoding=json&message=%7B%22taskId%22%3A%22a%22%7D";

const stage = new Stage();
const open = (allowed: { allowedHosts?: string[]; corsOrigins?: string[]; host?: string } = {}) =>
  openConnectDoor({
    ...stage.options,
    corsOrigins: ["loopback"],
    endpoints: [healthEndpoints(new Readiness([]))],
    ...allowed,
  });

/** Headers as they are, which fetch would not send. */
async function ask(port: number, options: RequestOptions, body = "") {
  const asked = request({ port, host: "127.0.0.1", setHost: false, ...options }).end(body);
  const [answer]: IncomingMessage[] = await once(asked, "response");
  return { status: answer?.statusCode, body: answer && (await text(answer)) };
}

function submit(port: number, headers: Record<string, string>, path = GET_TASK) {
  const typed = { "content-type": "application/json", ...headers };
  return ask(port, { path, method: "POST", headers: typed }, '{"taskId":"a"}');
}

describe("a door on the loopback interface", () => {
  let door: Door;
  beforeAll(async () => {
    door = await open();
  });
  afterAll(() => door.leave());

  test.each([
    "localhost:8080",
    "LOCALHOST",
    "gateway.localhost:1",
    "localhost.",
    "127.0.0.1",
    "127.8.9.10:80",
    "[::1]:8080",
  ])("answers to %s, a name of this machine", async (host) => {
    expect((await submit(door.port, { host })).status).toBe(200);
  });

  test.each([
    "evil.example",
    "evil.example:8080",
    "localhost.evil.example",
    "127.0.0.1.evil.example",
    "notlocalhost",
    "localhost@evil.example",
    "10.0.0.1",
  ])("refuses a page that came by the name %s, whose server had it point here", async (host) => {
    const refused = await submit(door.port, { host, origin: `http://${host}` });
    const told = host.replace(/^.*@/, "***@");
    expect(refused.status).toBe(403);
    expect(JSON.parse(refused.body ?? "")).toMatchObject({
      code: "permission_denied",
      message: expect.stringMatching(`"${told.replaceAll("*", "\\*")}".*MILLRACE_ALLOWED_HOSTS`),
      details: [{ debug: { reason: "HOST_NOT_ALLOWED" } }],
    });
    for (const path of ["/readyz", "/metrics", "/", `${GET_TASK}${QUERY}`])
      expect((await ask(door.port, { path, headers: { host } })).status, path).toBe(403);
    const logged = await stage.logged(({ code }) => code === "PERMISSION_DENIED");
    const reason = expect.stringContaining("MILLRACE_ALLOWED_HOSTS");
    expect(logged).toMatchObject({ method: "unserved", reason });
  });

  test("a foreign name in the request's target is refused too, whatever the header says", async () => {
    const path = `http://evil.example${GET_TASK}`;
    expect((await submit(door.port, { host: "localhost" }, path)).status).toBe(403);
  });

  test("a probe that names no host is answered", async () => {
    expect((await ask(door.port, { path: "/readyz", headers: { host: "" } })).status).toBe(200);
  });
});

describe("a door that is told which hosts it has", () => {
  test("answers to these, its own and addresses, on any interface", async () => {
    await using everywhere = await open({ host: "0.0.0.0", allowedHosts: ["tasks.example.com"] });
    const status = async (host: string) => (await submit(everywhere.port, { host })).status;
    for (const host of ["tasks.example.com:443", "localhost", "10.0.0.1:8080", "[fd00::1]"])
      expect(await status(host), host).toBe(200);
    for (const host of ["evil.example", "x.tasks.example.com"])
      expect(await status(host), host).toBe(403);
  });

  test("answers to every name when told so, and on a network address when told nothing", async () => {
    await using all = await open({ allowedHosts: ["*"] });
    await using network = await open({ host: "0.0.0.0" });
    for (const { port } of [all, network])
      expect((await submit(port, { host: "gateway.internal" })).status).toBe(200);
  });
});

describe("a page of elsewhere", () => {
  const FOREIGN: readonly Record<string, string>[] = [
    { origin: "https://evil.example" },
    { origin: "null" },
    { origin: "https://evil.example", "content-type": "text/plain" },
    { origin: "http://localhost.evil.example" },
    { "sec-fetch-site": "cross-site" },
    { "sec-fetch-site": "same-site" },
    { origin: "null", "sec-fetch-site": "cross-site" },
  ];

  test.each(FOREIGN)("that calls with %o is refused, by POST and by GET", async (headers) => {
    await using door = await open();
    const given = { host: "localhost", ...headers };
    const posted = await submit(door.port, given);
    expect(posted.status).toBe(403);
    expect(JSON.parse(posted.body ?? "")).toMatchObject({
      code: "permission_denied",
      message: expect.stringContaining("MILLRACE_CORS_ORIGINS"),
      details: [{ debug: { reason: "ORIGIN_NOT_ALLOWED" } }],
    });
    const got = await ask(door.port, { path: `${GET_TASK}${QUERY}`, headers: given });
    expect(got.status).toBe(403);
  });

  test("is refused on a network address too, and a link from it to what is no call works", async () => {
    await using door = await open({ host: "0.0.0.0" });
    const headers = { host: "gateway.example", origin: "https://evil.example" };
    expect((await submit(door.port, headers)).status).toBe(403);
    const link = { host: "gateway.example", "sec-fetch-site": "cross-site" };
    expect((await ask(door.port, { path: "/livez", headers: link })).status).toBe(200);
  });

  test("may call when its origin is named, or all are", async () => {
    const headers = { host: "localhost", origin: "https://app.example" };
    const fetched = { ...headers, "sec-fetch-site": "cross-site" };
    for (const corsOrigins of [["https://app.example"], ["*"]]) {
      await using door = await open({ corsOrigins });
      for (const given of [headers, fetched])
        expect((await submit(door.port, given)).status).toBe(200);
    }
  });
});

test.each([
  { host: "monitor.example", origin: "https://monitor.example" },
  { host: "monitor.example:8081", origin: "http://monitor.example:8081" },
  { host: "monitor.example:443", origin: "https://monitor.example" },
  { host: "10.0.0.1:8081", origin: "https://monitor.example", "sec-fetch-site": "same-origin" },
  { host: "monitor.example", "sec-fetch-site": "none" },
])("the service's own page may call, and who is no page: %o", async (headers) => {
  await using door = await open({ host: "0.0.0.0", corsOrigins: [] });
  expect((await submit(door.port, headers)).status).toBe(200);
});
