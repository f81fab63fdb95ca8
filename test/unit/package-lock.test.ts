import { expect, test } from "vitest";
import lock from "../../package-lock.json" with { type: "json" };

interface Entry {
  readonly version: string;
  readonly integrity?: string;
}

const { "": _, ...entries } = lock.packages;
const PACKAGES: readonly [string, Entry][] = Object.entries(entries);
const SHA_512 = /^sha512-[\w+/]{86}==$/;

/** What `npm view` is asked for. */
function specOf([path, { version }]: [string, Entry]): string {
  return `${path.split("node_modules/").at(-1)}@${version}`;
}

test("no package is installed that is not byte for byte the one that was chosen", () => {
  const unchecked = PACKAGES.filter(([, { integrity }]) => !SHA_512.test(integrity ?? ""));
  expect(PACKAGES.length).toBeGreaterThan(0);
  expect(unchecked.map(specOf), '"npm view <package> dist.integrity" tells it').toEqual([]);
});
