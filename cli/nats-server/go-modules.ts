/** Hashes of Go modules, by `path@version`, as Go's checksum database and go.sum have them. */
export type ModuleHashes = Readonly<Record<string, string>>;

/**
 * Says what speaks against a binary whose build information (`go version -m`) this is; undefined: it was built from the
 * very modules that we name. Go asks its checksum database only where GOSUMDB, GONOSUMDB and GOPRIVATE let it.
 */
export function unlikeModules(buildInfo: string, hashes: ModuleHashes): string | undefined {
  const lines = buildInfo.split("\n").map((line) => line.trim().split("\t"));
  // "=>": another module was built in the place of the one in the line before.
  const built = lines.filter(([kind = ""]) => ["mod", "dep", "=>"].includes(kind));
  if (built.length === 0) return "it does not say which modules it was built from";
  for (const [, path, version, hash = "no hash"] of built) {
    const named = `${path}@${version}`;
    const expected = hashes[named];
    if (!expected) return `it was built from ${named}, which deploy/nats-server.json does not name`;
    if (hash !== expected) return `it was built from ${named} of ${hash}, not of ${expected}`;
  }
  return undefined;
}
