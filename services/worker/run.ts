import { runService } from "#lib/process/run-service.ts";
import { serveTaskTypes } from "./serve.ts";

const handlers = import.meta.resolve("./handlers/index.ts");

await runService("worker", process, (running) => serveTaskTypes(running, handlers));
