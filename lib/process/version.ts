import manifest from "../../package.json" with { type: "json" };

/** Version of Millrace. */
export const VERSION: string = manifest.version;
