import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { configurationPage } from "#lib/process/configuration-page.ts";
import { SETTINGS } from "#lib/process/settings.ts";

test("docs/configuration.md says what the settings are; `npm run docs` writes it", async () => {
  const page = await readFile("docs/configuration.md", "utf8");
  expect(page).toBe(configurationPage());
});

test("no secret has a default that could be shown", () => {
  const secrets = Object.values(SETTINGS).filter((setting) => "secret" in setting);
  expect(secrets.map(({ env, fallback }) => [env, fallback])).toEqual([
    ["NATS_AUTH_TOKEN", undefined],
    ["OPENAI_API_KEY", undefined],
  ]);
});
