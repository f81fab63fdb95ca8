import { expect, test } from "vitest";
import { loadSettings } from "#lib/process/load-settings.ts";
import {
  fromCopyable,
  handlerSettings,
  toCopyable,
} from "../../../services/worker/handler-settings.ts";

test("a handler's thread gets the settings, secrets too, but not how to get into the broker", () => {
  const env = { OPENAI_API_KEY: "s3cret", NATS_AUTH_TOKEN: "token", MILLRACE_QUEUES: "a,b" };
  const given = handlerSettings(loadSettings("worker", env, ["node", "worker"]));
  const copied = structuredClone(toCopyable(given));
  expect(JSON.stringify(copied)).not.toContain("token");
  const settings = fromCopyable(copied);
  expect(settings).toEqual(given);
  expect(settings.openaiApiKey?.reveal()).toBe("s3cret");
  expect(settings.queues).toEqual(["a", "b"]);
});
