import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startTestNats } from "#test/support/nats.ts";
import { System } from "#test/support/system.ts";
import { expectToWork } from "#test/support/whole-system.ts";

const run = promisify(execFile);
const CERTIFICATE = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 1";

let folder = "";
let tls: { readonly cert_file: string; readonly key_file: string };

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "millrace-tls-"));
  tls = { cert_file: join(folder, "cert.pem"), key_file: join(folder, "key.pem") };
  const names = ["-subj", "/CN=Test", "-addext", "subjectAltName=IP:127.0.0.1"];
  const files = ["-keyout", tls.key_file, "-out", tls.cert_file];
  await run("openssl", [...CERTIFICATE.split(" "), ...names, ...files]);
});

afterAll(() => rm(folder, { recursive: true, force: true }));

test("a whole system works on a broker with TLS, by an authority of its own", async () => {
  const nats = await startTestNats({ extraConfig: { tls } });
  const NATS_SERVERS = `tls://127.0.0.1:${nats.port}`;
  await using system = System.on(nats, { NATS_SERVERS, NODE_EXTRA_CA_CERTS: tls.cert_file });
  await expectToWork(system);
});

test("an authority that is not known is named as what keeps the broker away", async () => {
  const nats = await startTestNats({ extraConfig: { tls } });
  await using system = System.on(nats, { NATS_SERVERS: `tls://127.0.0.1:${nats.port}` });
  const worker = system.spawn("services/worker/main.ts");
  const { reason } = await worker.logged("broker is not usable yet");
  expect(reason).toMatch(/certificate/);
});
