import { execFile, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { chmod, mkdir, mkdtemp, readdir, rm, stat, writeFile } from "node:fs/promises";
import type { AddressInfo } from "node:net";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { jetstreamManager } from "@nats-io/jetstream";
import { AuthorizationError } from "@nats-io/nats-core";
import { connect } from "@nats-io/transport-node";
import { expect, onTestFinished, test } from "vitest";
import { serveArticle } from "#cli/demo/article-server.ts";
import { untilReady } from "#cli/system/until-ready.ts";
import { startTestNats } from "#test/support/nats.ts";
import { startPlainNats } from "#test/support/plain-nats.ts";
import { CliProcess, cliEnv, FREE_PORTS, MAIN, ROOT, runCli, startCli } from "./cli-process.ts";
import { isAlive, untilGone } from "./left-behind.ts";
import { startUp } from "./running-system.ts";
import { startSilentServer } from "./silent-server.ts";

const run = promisify(execFile);
const GRPCURL = spawnSync("grpcurl", ["-version"]).status === 0;

/** Gone with the end of the test. */
async function folder(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), "millrace-test-up-"));
  onTestFinished(() => rm(path, { recursive: true, force: true }));
  return path;
}

async function summary(server: readonly string[], url: string) {
  const { code, stdout } = await runCli([
    ...server,
    "submit",
    "web.summarize",
    `url=${url}`,
    "--watch",
  ]);
  return { code, last: JSON.parse(stdout.trimEnd().split("\n").at(-1) ?? "").state.state };
}

test("up prints commands that work when they are pasted", async () => {
  await using article = await serveArticle();
  await using system = await startUp({ MILLRACE_FETCH_ALLOW_HOSTS: article.address }, []);
  await system.up.until("stdout", "curl http");
  const { stdout } = system.up.printed;
  expect(stdout).toMatch(/is ready in \d+(\.\d)? s/);
  const commands = stdout
    .split("\n")
    .filter((line) => /^(npx|grpcurl|curl) /.test(line))
    .map((line) => line.replaceAll("https://example.com", article.url));
  expect(commands.map((command) => command.split(" ")[0])).toEqual(["npx", "grpcurl", "curl"]);
  const paste = (command = "") => run("sh", ["-c", command], { cwd: ROOT, env: cliEnv({}) });
  expect((await paste(commands[0])).stdout).toContain("TASK_STATE_SUCCEEDED");
  if (GRPCURL) expect((await paste(commands[1])).stdout).toContain("TASK_STATE_SUCCEEDED");
  expect(JSON.parse((await paste(commands[2])).stdout).task.spec.input.url).toBe(article.url);
});

test("up tells the monitor's page where its gateway is", async () => {
  await using system = await startUp();
  const { monitorHttp, gatewayHttp } = system.facts;
  const response = await fetch(`http://${monitorHttp}/millrace.v1.MonitorService/GetOverview`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: "{}",
  });
  expect(await response.json()).toMatchObject({
    overview: { gatewayUrl: `http://${gatewayHttp}` },
  });
});

test("Ctrl-C stops every process, and that is no failure", async () => {
  await using system = await startUp();
  const { pids } = system;
  expect(pids.every(isAlive)).toBe(true);
  system.up.kill("SIGINT");
  expect(await system.up.ended).toMatchObject({ code: 0 });
  expect(pids.filter(isAlive)).toEqual([]);
});

test("a second Ctrl-C does not wait for attempts that run", async () => {
  await using page = await startSilentServer();
  await using system = await startUp({ MILLRACE_FETCH_ALLOW_HOSTS: page.address }, [
    "--json",
    "--logs",
  ]);
  const { pids } = system;
  await runCli([...system.server, "submit", "web.summarize", `url=http://${page.address}/`]);
  await page.called;
  system.up.kill("SIGINT");
  await system.up.until("stderr", "worker leaves");
  const startedAt = performance.now();
  // Two signals within the same moment count as one, so this one is repeated until it counts.
  const { worker } = system.facts.pids;
  const insist = setInterval(() => isAlive(worker) && system.up.kill("SIGINT"), 50);
  onTestFinished(() => clearInterval(insist));
  expect(await system.up.ended).toMatchObject({ code: 130 });
  expect(performance.now() - startedAt).toBeLessThan(5_000);
  expect(pids.filter(isAlive)).toEqual([]);
});

test("a worker and a broker that are killed are started again, and work", async () => {
  await using article = await serveArticle();
  await using system = await startUp({ MILLRACE_FETCH_ALLOW_HOSTS: article.address });
  process.kill(system.facts.pids.worker, "SIGKILL");
  await system.up.until("stderr", "worker died (SIGKILL)\nworker starts again in 0.25 s\n");
  await system.up.until("stderr", "worker is ready again");
  process.kill(system.facts.pids.nats, "SIGKILL");
  await system.up.until("stderr", "nats is ready again");
  await untilReady(`http://${system.facts.gatewayHttp}`, AbortSignal.timeout(10_000));
  expect(await summary(system.server, article.url)).toEqual({
    code: 0,
    last: "TASK_STATE_SUCCEEDED",
  });
});

test("all processes end when the one that started them is killed", async () => {
  await using system = await startUp();
  const { pids } = system;
  system.up.kill("SIGKILL");
  await untilGone(pids);
});

test("up on an address of the network says loudly who may call, and hides no address", async () => {
  await using system = await startUp({ MILLRACE_HOST: "0.0.0.0" }, []);
  await system.up.until("stdout", "curl http");
  const { stdout, stderr } = system.up.printed;
  expect(stdout).toMatch(/^ {2}gRPC +0\.0\.0\.0:\d+ /m);
  expect(stdout).toMatch(/^ {2}Connect +http:\/\/0\.0\.0\.0:\d+ /m);
  expect(stdout).toMatch(/^ {2}monitor +http:\/\/0\.0\.0\.0:\d+ .*gRPC on 0\.0\.0\.0:\d+$/m);
  const warning = "open to the network: whoever can reach 0.0.0.0 may call";
  expect(stdout).toContain(`Warning: ${warning}`);
  for (const service of ["gateway", "worker", "monitor"])
    expect(stderr).toMatch(new RegExp(`^${service} +${warning}`, "m"));
});

test("nobody else may look at data and logs, whatever the umask and whatever an older release left", async () => {
  const dataDir = await folder();
  for (const name of ["logs", "nats"]) await mkdir(join(dataDir, name));
  await writeFile(join(dataDir, "logs", "gateway.log"), "of the run before");
  const older = [dataDir, join(dataDir, "logs"), join(dataDir, "nats")];
  for (const path of older) await chmod(path, 0o755);
  await chmod(join(dataDir, "logs", "gateway.log"), 0o644);
  const up = [MAIN, "up", "--json", "--nats-port", "0", "--data-dir", dataDir];
  await using cli = new CliProcess(
    spawn("sh", ["-c", 'umask 0; exec "$0" "$@"', process.execPath, ...up], {
      env: cliEnv(FREE_PORTS),
    }),
  );
  await cli.until("stdout", "\n");
  const names = await readdir(dataDir, { recursive: true });
  expect(names).toEqual(expect.arrayContaining(["up.sock", "logs/gateway.log", "nats/jetstream"]));
  const paths = [dataDir, ...names.map((name) => join(dataDir, name))];
  const modes = await Promise.all(paths.map(async (path) => ({ path, ...(await stat(path)) })));
  expect(modes.filter(({ mode }) => mode & 0o077).map(({ path }) => path)).toEqual([]);
});

test("a folder that holds other things too is left as it is, but what is kept in it is closed", async () => {
  const dataDir = await folder();
  await chmod(dataDir, 0o755);
  await writeFile(join(dataDir, "notes.txt"), "of somebody", { mode: 0o644 });
  await using up = startCli(
    ["up", "--json", "--nats-port", "0", "--data-dir", dataDir],
    FREE_PORTS,
  );
  await up.until("stdout", "\n");
  const modeOf = async (name: string) => (await stat(join(dataDir, name))).mode & 0o777;
  expect([await modeOf("."), await modeOf("notes.txt")]).toEqual([0o755, 0o644]);
  for (const name of ["logs", "nats", "up.sock"]) expect((await modeOf(name)) & 0o077).toBe(0);
});

test("a port that is taken is named, and how to choose another", async () => {
  const other = createServer().listen(0, "127.0.0.1");
  onTestFinished(() => void other.close());
  await once(other, "listening");
  const { port } = other.address() as AddressInfo;
  const up = startCli(["up", "--nats-port", String(port), "--data-dir", await folder()], {
    ...FREE_PORTS,
  });
  const { code, stderr } = await up.ended;
  expect(code).toBe(1);
  expect(stderr).toBe(
    `error: other programs listen on ${port} (NATS; set --nats-port, or NATS_SERVERS=nats://127.0.0.1:${port} to use a NATS that runs there); stop them or choose other ports: --ports auto takes free ones\n`,
  );
});

test.each([
  [[], "192.0.2.1", "this machine does not have that address"],
  [["--ports", "auto"], "192.0.2.1", "this machine does not have that address"],
  [[], "nowhere.invalid", "no address is known for that host"],
])("up %j on a host that can't be had says so, and what to set", async (args, host, why) => {
  const env = { ...FREE_PORTS, MILLRACE_HOST: host };
  await using up = startCli(["up", ...args], env);
  const { code, stderr } = await up.ended;
  expect(code).toBe(2);
  expect(stderr).toMatch(
    new RegExp(`^error: can't listen on ${host}:\\d+: ${why}.* MILLRACE_HOST\n$`),
  );
});

test("a second system starts beside the first with --ports auto, with ports and data of its own", async () => {
  const cwd = await folder();
  const start = () =>
    new CliProcess(
      spawn(process.execPath, [MAIN, "up", "--json", "--ports", "auto"], { cwd, env: cliEnv({}) }),
    );
  await using first = start();
  await first.until("stdout", "\n");
  await using second = start();
  await second.until("stdout", "\n");
  const [one, other] = [first, second].map(({ printed }) => JSON.parse(printed.stdout));
  const addresses = ["gatewayGrpc", "gatewayHttp", "monitorGrpc", "monitorHttp", "nats"];
  for (const address of addresses) expect(one[address]).not.toBe(other[address]);
  expect((await readdir(cwd)).toSorted()).toEqual([".millrace", ".millrace-2"]);
  const { stdout } = await runCli(["--server", other.gatewayGrpc, "types", "--json"]);
  expect(stdout).toContain("web.summarize");
});

test("a data folder that can't be made is named, and how to choose another", async () => {
  for (const dataDir of ["/proc/x/y", "/dev/null/x"]) {
    const up = startCli(["up", "--nats-port", "0", "--data-dir", dataDir], FREE_PORTS);
    const { code, stderr } = await up.ended;
    expect(code).toBe(1);
    expect(stderr).toContain(`error: can't keep data in ${dataDir} (`);
    expect(stderr).toContain("--data-dir chooses another folder\n");
  }
});

test("a second system does not touch the data of the first", async () => {
  await using system = await startUp();
  await using second = startCli(
    ["up", "--nats-port", "0", "--data-dir", system.dataDir],
    FREE_PORTS,
  );
  const { code, stdout, stderr } = await second.ended;
  expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
  expect(stderr).toMatch(/^error: a Millrace runs already with the data in .*\n$/);
});

test("a setting that no service knows, or takes, is reported before anything starts", async () => {
  const up = startCli(["up", "--nats-port", "0", "--data-dir", await folder()], {
    ...FREE_PORTS,
    MILLRACE_TYPO: "1",
  });
  const { code, stderr } = await up.ended;
  expect(code).toBe(2);
  expect(stderr).toMatch(/^error: unknown setting MILLRACE_TYPO; .*\n$/);
});

test("up runs the environment that MILLRACE_NAMESPACE names", async () => {
  await using system = await startUp({ MILLRACE_NAMESPACE: "staging" });
  await using nc = await connect({ servers: system.facts.nats });
  const streams = await (await jetstreamManager(nc)).streams.names().next();
  expect(streams).toContain("MR-staging_EVENTS");
  expect(streams.filter((name) => !/^(KV_mr|MR)-staging_/.test(name))).toEqual([]);
});

test("a token is asked for by the system's own NATS, and is seen by nobody else", async () => {
  const token = 's3cret "\\r$PATH{a}#1';
  await using system = await startUp({ NATS_AUTH_TOKEN: token });
  const { nats, pids } = system.facts;
  await expect(connect({ servers: nats, reconnect: false })).rejects.toThrow(AuthorizationError);
  await (await connect({ servers: nats, token })).close();
  const [own = ""] = (await readdir(system.dataDir)).filter((name) => /^millrace-nats/.test(name));
  const config = await stat(join(system.dataDir, own, "nats.json"));
  expect((config.mode & 0o777).toString(8)).toBe("600");
  const { stdout: listed } = await run("ps", [
    "-ww",
    "-o",
    "args=",
    "-p",
    Object.values(pids).join(","),
  ]);
  const { stdout, stderr } = system.up.printed;
  expect(listed).toContain("nats.json");
  expect(listed + stdout + stderr).not.toContain("s3cret");
});

test("a NATS that others run is used with its password, which is not printed", async () => {
  const users = [{ user: "me", password: "s3cret" }];
  await using nats = await startTestNats({ extraConfig: { authorization: { users } } });
  const server = `nats://me:s3cret@127.0.0.1:${nats.port}`;
  await using system = await startUp({ NATS_SERVERS: server }, ["--json", "--logs"]);
  expect(system.facts.nats).toBe(`nats://me:***@127.0.0.1:${nats.port}`);
  expect(system.up.printed.stderr).not.toContain("s3cret");
});

test("a NATS that can't be used is named on the terminal, with what to set", async () => {
  await using nats = await startPlainNats();
  await using up = startCli(["up", "--data-dir", await folder()], {
    ...FREE_PORTS,
    NATS_SERVERS: nats.url,
  });
  await up.until("stderr", "set NATS_SERVERS");
  expect(up.printed.stderr).toContain(`127.0.0.1:${nats.port} runs without JetStream`);
  up.kill("SIGINT");
  expect(await up.ended).toMatchObject({ code: 0 });
});
