import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { ROOT } from "#test/support/upsun.ts";
import manifest from "../../package.json" with { type: "json" };

const TYPES_ONLY = /^(?:import|export)\s+type\b[^;]*;/gm;
const IMPORTED = /(?:\bfrom|\bimport|\bimport\(|\bnew URL\()\s*"([^"]+)"/g;

/** What a file imports at run time, and the modules that it hands to a worker or a child. */
function importsOf(file: string): string[] {
  const code = readFileSync(file, "utf8").replaceAll(TYPES_ONLY, "");
  return [...code.matchAll(IMPORTED)].flatMap(([, specifier]) => specifier ?? []);
}

/** The file of ours that a specifier means, if it is one of ours. */
function ownFile(specifier: string, from: string): string | undefined {
  if (specifier.startsWith("#")) return join(ROOT, specifier.slice(1));
  return specifier.startsWith(".") ? join(dirname(from), specifier) : undefined;
}

/** Every package that is loaded when the file is run, each with a file that asks for it. */
function packagesOf(file: string, seen = new Set<string>(), packages = new Map<string, string>()) {
  seen.add(file);
  for (const specifier of importsOf(file)) {
    const own = ownFile(specifier, file);
    if (own === undefined) packages.set(specifier, file);
    else if (/\.(ts|mjs)$/.test(own) && !seen.has(own) && existsSync(own))
      packagesOf(own, seen, packages);
  }
  return packages;
}

function nameOf(specifier: string): string {
  return specifier.split("/", specifier.startsWith("@") ? 2 : 1).join("/");
}

test.each(["gateway", "worker", "monitor"])(
  "the %s runs where only production dependencies are installed",
  (service) => {
    const packages = packagesOf(join(ROOT, "services", service, "main.mjs"));
    const ours = [...packages].filter(([specifier]) => !/^(node|https?|file):/.test(specifier));
    const missing = ours.filter(([specifier]) => !(nameOf(specifier) in manifest.dependencies));
    expect(ours.length).toBeGreaterThan(0);
    expect(missing).toEqual([]);
  },
);
