import { start } from "#lib/process/start.mjs";

await start(
  () => import("./run.ts"),
  () => process.exit(0),
);
