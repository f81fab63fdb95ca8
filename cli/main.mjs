#!/usr/bin/env node
import { start } from "../lib/process/start.mjs";
import { endBySignal } from "../lib/process/stop-signals.mjs";

await start(() => import("./run.ts"), endBySignal);
