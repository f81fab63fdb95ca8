import { runService } from "#lib/process/run-service.ts";
import { serveTaskTypes } from "../../../services/worker/serve.ts";
import { scripted } from "./scripted.ts";

await runService("worker", process, (running) => serveTaskTypes(running, [scripted]));
