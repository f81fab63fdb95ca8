import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { SETTINGS } from "#lib/process/settings.ts";
import {
  ROOT,
  readUpsunConfig,
  SHELL,
  type UpsunApp,
  upsunApp,
  variableOf,
} from "#test/support/upsun.ts";

const { applications, services, routes } = readUpsunConfig();
const APPS = Object.entries(applications);
const NODE_APPS = ["gateway", "worker", "monitor"] as const;
const TYPES = ["nodejs:24"];
const MOUNT_SOURCES = ["storage", "tmp", "instance"];
const SET_BY_UPSUN =
  /^NATS_(HOST|HOSTNAME|PORT|SCHEME|URL|PATH|QUERY|IP|REL|TYPE|SERVICE|CLUSTER|USERNAME|PASSWORD)$/;

const settings = Object.values(SETTINGS);

function commandsOf([name, app]: [string, UpsunApp]): [string, string][] {
  const all = { ...app.hooks, ...app.web.commands };
  return Object.entries(all).map(([key, command]) => [`${name}: ${key}`, command]);
}

function targetsOf(app: UpsunApp | undefined): string[] {
  return Object.values(app?.relationships ?? {}).map(({ service }) => service);
}

/** Everything that an app leads to, along relationships. */
function reachedFrom(name: string, seen = new Set<string>()): Set<string> {
  for (const target of targetsOf(applications[name])) {
    if (seen.has(target)) continue;
    seen.add(target);
    reachedFrom(target, seen);
  }
  return seen;
}

/** The variables that an app's start command exports. */
function exportedBy(app: UpsunApp): string[] {
  return [...app.web.commands.start.matchAll(/export (\w+)=/g)].map(([, name]) => name ?? "");
}

function bytes(size: string): number {
  const [, count, unit] = /^(\d+)(MB|GB)$/.exec(size) ?? [];
  return Number(count) * (unit === "GB" ? 2 ** 30 : 2 ** 20);
}

describe("the apps", () => {
  test("are the three services and nats, with no managed service beside them", () => {
    expect(APPS.map(([name]) => name)).toEqual([...NODE_APPS, "nats"]);
    expect(services).toBeUndefined();
  });

  test.each(APPS)("%s is of a type that Upsun supports, and builds by its hook only", (_, app) => {
    expect(TYPES).toContain(app.type);
    expect(app.build.flavor).toBe("none");
  });

  test.each(NODE_APPS)("%s starts a file that exists, of its own service", (name) => {
    const [, file] = /exec node .*?(\S+\.mjs)$/m.exec(upsunApp(name).web.commands.start) ?? [];
    expect(file).toBe(`services/${name}/main.mjs`);
    expect(existsSync(join(ROOT, file ?? "missing"))).toBe(true);
  });

  test.each(APPS)("%s lies in a folder that exists", (_, app) => {
    expect(existsSync(join(ROOT, app.source.root))).toBe(true);
  });

  test.each(APPS)("%s mounts only what its own container offers", (_, app) => {
    for (const { source } of Object.values(app.mounts ?? {}))
      expect(MOUNT_SOURCES).toContain(source);
  });

  test.each(APPS)("%s lets streams and WebSocket pass without buffering", (_, app) => {
    for (const location of Object.values(app.web.locations)) {
      expect(location.request_buffering.enabled).toBe(false);
    }
  });

  test.each(APPS.flatMap(commandsOf))(
    "%s is a script that a POSIX shell can read",
    (_, command) => {
      const { status, stderr } = spawnSync(SHELL, ["-n"], { input: command, encoding: "utf8" });
      expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    },
  );
});

describe("who reaches whom", () => {
  test.each(APPS)(
    "%s relates only to apps that exist, by http, the endpoint that apps have",
    (_, app) => {
      for (const { service, endpoint } of Object.values(app.relationships ?? {})) {
        expect(Object.keys(applications)).toContain(service);
        expect(endpoint).toBe("http");
      }
    },
  );

  test.each(APPS)("%s never leads back to itself", (name) => {
    expect(reachedFrom(name)).not.toContain(name);
  });

  test.each(NODE_APPS)("%s finds the broker under the name of its relationship", (name) => {
    const { hostname, protocol } = new URL(variableOf(name, "NATS_SERVERS"));
    const relationship = hostname.replace(/\.internal$/, "");
    expect(protocol).toBe("ws:");
    expect(upsunApp(name).relationships?.[relationship]?.service).toBe("nats");
  });

  test("the gateway and the monitor have a route each; the worker and nats have none", () => {
    const upstreams = Object.values(routes).flatMap(({ upstream }) => upstream ?? []);
    expect(upstreams).toEqual(["gateway:http", "monitor:http"]);
  });

  test.each(Object.entries(routes))("%s streams to an app, or redirects to a route", (_, route) => {
    if (route.type === "redirect") return expect(routes).toHaveProperty([`${route.to}`]);
    expect(route.type).toBe("upstream");
    expect(route.cache?.enabled).toBe(false);
  });
});

describe("the variables", () => {
  test.each(NODE_APPS)("that %s is given are settings, with values that they accept", (name) => {
    const { env } = upsunApp(name).variables;
    const ours = Object.entries(env).filter(([key]) => /^(MILLRACE|NATS)_/.test(key));
    expect(ours.length).toBeGreaterThan(0);
    for (const [key, value] of ours) {
      const setting = settings.find((candidate) => candidate.env === key);
      expect(setting, key).toBeDefined();
      expect(() => setting?.parse(value), key).not.toThrow();
    }
  });

  test.each(NODE_APPS)("that %s exports at its start are settings of that service", (name) => {
    const own = settings.filter((setting) => setting.services.some((service) => service === name));
    const exported = exportedBy(upsunApp(name));
    expect(exported).toContain("NATS_AUTH_TOKEN");
    expect(exported).toContain(`MILLRACE_${name.toUpperCase()}_HTTP_PORT`);
    for (const key of exported) expect(own.map(({ env }) => env)).toContain(key);
  });

  test.each(APPS)("of %s are none that Upsun sets for the relationship", (_, app) => {
    for (const key of [...Object.keys(app.variables.env), ...exportedBy(app)]) {
      expect(key).not.toMatch(SET_BY_UPSUN);
    }
  });

  test("are the same for all services, which must agree on the sizes of what they share", () => {
    const [first, ...others] = NODE_APPS.map((name) => upsunApp(name).variables);
    for (const other of others) expect(other).toEqual(first);
  });

  test("give services less time to leave than the 15 s after which Upsun kills them", () => {
    const graceMs = Number(variableOf("worker", "MILLRACE_LEAVE_GRACE_MS"));
    const drainMs = Number(variableOf("gateway", "MILLRACE_DRAIN_MS"));
    expect(drainMs).toBe(5_000);
    // A second for the last answers, and for what runs beside the calls.
    expect(drainMs + graceMs + 1_000).toBeLessThan(15_000);
    // A worker hands back what it has for up to 8 s.
    expect(graceMs + 8_000).toBeLessThan(15_000);
  });

  test("let the broker reserve half its store at most, and give the store less than the default disk", () => {
    const store = bytes(variableOf("nats", "NATS_MAX_FILE_STORE"));
    const reserved = Number(variableOf("gateway", "MILLRACE_HISTORY_MAX_BYTES"));
    expect(reserved).toBeLessThanOrEqual(store / 2);
    expect(store).toBeLessThan(bytes("512MB"));
  });
});

describe("nats", () => {
  const nats = upsunApp("nats");
  const conf = readFileSync(join(ROOT, "deploy/nats/nats.conf"), "utf8");

  test("keeps its store on one durable mount, in a folder per environment", () => {
    expect(Object.values(nats.mounts ?? {}).map(({ source }) => source)).toEqual(["storage"]);
    const [mount] = Object.keys(nats.mounts ?? {});
    expect(nats.web.commands.start).toContain(
      `--store_dir "$PLATFORM_APP_DIR/${mount}/$PLATFORM_ENVIRONMENT"`,
    );
  });

  test("is configured by variables that are set, and by its token only in quotes, for the file could misread it", () => {
    const used = [...conf.matchAll(/^[^#\n]*\$(\w+)/gm)].map(([, name]) => name);
    const set = Object.keys(nats.variables.env).filter((name) => name.startsWith("NATS_"));
    expect(used.toSorted()).toEqual(["NATS_QUOTED_TOKEN", "PORT", ...set].toSorted());
    expect(exportedBy(nats)).toEqual(["NATS_AUTH_TOKEN", "NATS_QUOTED_TOKEN"]);
  });

  test("is the server that deploy/nats-server.json names, and finds its files in its own folder", () => {
    const root = join(ROOT, nats.source.root);
    expect(existsSync(join(root, "nats-server.json"))).toBe(true);
    expect(existsSync(join(root, "nats/nats.conf"))).toBe(true);
    expect(nats.hooks.build).toContain(`require("./nats-server.json").version`);
    expect(nats.hooks.build).not.toMatch(/\d+\.\d+\.\d+/);
    expect(nats.web.commands.start).toContain("-c nats/nats.conf");
  });
});
