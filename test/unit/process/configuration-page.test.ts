import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { configurationPage } from "#lib/process/configuration-page.ts";
import type { Setting } from "#lib/process/setting.ts";
import { SETTINGS } from "#lib/process/settings.ts";

test("docs/configuration.md says what the settings are; `npm run docs` writes it", async () => {
  const page = await readFile("docs/configuration.md", "utf8");
  expect(page).toBe(configurationPage());
});

test("a secret is kept so that it can't be shown", () => {
  const settings: Setting<unknown>[] = Object.values(SETTINGS);
  const secrets = settings.filter(({ secret }) => secret === "all of it");
  expect(secrets.map(({ env, fallback, parse }) => [env, fallback, String(parse("a"))])).toEqual([
    ["NATS_AUTH_TOKEN", undefined, "***"],
    ["OPENAI_API_KEY", undefined, "***"],
  ]);
});
