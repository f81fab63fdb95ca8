import { bullmq } from "../rivals/bullmq/system.ts";
import { celery } from "../rivals/celery/system.ts";
import { fastifyBullmq } from "../rivals/fastify-bullmq/system.ts";
import { rawJetstream } from "./jetstream/system.ts";
import { millrace } from "./millrace/system.ts";
import type { SystemUnderTest } from "./system.ts";

/** Millrace first, then those that it is measured beside. A new one: write its folder, and add it here. */
export const SYSTEMS: readonly [SystemUnderTest, ...SystemUnderTest[]] = [
  millrace,
  fastifyBullmq,
  bullmq,
  celery,
  rawJetstream,
];
