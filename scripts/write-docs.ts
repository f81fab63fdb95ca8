import { writeFile } from "node:fs/promises";
import { configurationPage } from "#lib/process/configuration-page.ts";

await writeFile(new URL("../docs/configuration.md", import.meta.url), configurationPage());
