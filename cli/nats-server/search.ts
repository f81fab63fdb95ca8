import type { ModuleHashes } from "./go-modules.ts";

export interface FindNatsServerOptions {
  readonly env: NodeJS.ProcessEnv;
  /** None: millrace/nats-server in the user's cache folder. */
  readonly cacheDir?: string | undefined;
  /** None: the releases on GitHub. */
  readonly releaseBase?: string | undefined;
  /** None: those in deploy/nats-server.json. */
  readonly archives?: Readonly<Record<string, string>> | undefined;
  /** Gets a line for whatever a user would wonder about or has to wait for. */
  readonly onProgress: (line: string) => void;
  readonly signal?: AbortSignal | undefined;
  readonly connectTimeoutMs?: number | undefined;
  readonly stallTimeoutMs?: number | undefined;
}

export interface FoundNatsServer {
  readonly bin: string;
  readonly version: string;
  readonly how: "NATS_SERVER_BIN" | "PATH" | "cache" | "release" | "go";
}

/** What every way to a nats-server is given. */
export interface Search extends FindNatsServerOptions {
  /** The version that we fetch. */
  readonly version: string;
  /** The oldest version that will do. */
  readonly floor: string;
  /** SHA-256 of archives of that version, by their names. */
  readonly archives: Readonly<Record<string, string>>;
  /** What that version is built from. */
  readonly modules: ModuleHashes;
  readonly cacheDir: string;
  /** None: no official archive for this machine that we can unpack. */
  readonly archiveUrl: string | undefined;
}

/** Why a way led nowhere, for whoever has to mend one of them. */
export interface Missed {
  readonly missed: string;
}
