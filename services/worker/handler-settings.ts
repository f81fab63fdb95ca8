import { Secret } from "#lib/process/secret.ts";
import type { Settings } from "#lib/process/settings.ts";

/** What handlers may know: how to get into the broker is not theirs. */
export type HandlerSettings = Omit<Settings, "natsServers" | "natsAuthToken">;

/** The same, in a form that can be copied to a thread: no class survives that. */
export type CopyableSettings = readonly (readonly [
  name: string,
  value: { readonly secret: string } | { readonly open: unknown },
])[];

export function handlerSettings(settings: Settings): HandlerSettings {
  const { natsServers: _servers, natsAuthToken: _token, ...others } = settings;
  return others;
}

export function toCopyable(settings: HandlerSettings): CopyableSettings {
  return Object.entries(settings).map(([name, value]) => [
    name,
    value instanceof Secret ? { secret: value.reveal() } : { open: value },
  ]);
}

export function fromCopyable(copied: CopyableSettings): HandlerSettings {
  return Object.fromEntries(
    copied.map(([name, value]) => [
      name,
      "secret" in value ? new Secret(value.secret) : value.open,
    ]),
  ) as unknown as HandlerSettings;
}
