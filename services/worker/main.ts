import { runService } from "#lib/process/run-service.ts";
import { taskTypes } from "./handlers/index.ts";
import { serveTaskTypes } from "./serve.ts";

await runService("worker", process, (running) =>
  serveTaskTypes(running, taskTypes(running.settings)),
);
