import type { ConnectionOptions } from "@nats-io/nats-core";
import type { NatsCredentials, NatsServer } from "#lib/process/nats-server.ts";
import type { Secret } from "#lib/process/secret.ts";
import type { ServerChoice } from "./server-choice.ts";

type Asked = Pick<ConnectionOptions, "reconnectToServer" | "authenticator">;

interface Known {
  readonly servers: readonly NatsServer[];
  readonly token?: Secret | undefined;
}

/**
 * What to show each server. The client asks which one to dial next, and then asks for credentials without saying for
 * which. As in NATS's other clients, an address's own come before the token, and a cluster's servers that it tells of
 * itself are shown what the named ones are.
 */
export function credentialsByServer({ servers, token }: Known, choice: ServerChoice): Asked {
  let dialed: string | undefined;
  return {
    reconnectToServer: (pool) => {
      const next = choice.next(pool);
      dialed = next?.listen;
      return next ?? null;
    },
    authenticator: () => {
      const named = servers.find(({ address }) => address === dialed);
      const { credentials } = named ?? servers.find((server) => server.credentials) ?? {};
      return revealed(credentials ?? (token && { token }));
    },
  };
}

function revealed(credentials: NatsCredentials | undefined) {
  if (!credentials) return undefined;
  if ("token" in credentials) return { auth_token: credentials.token.reveal() };
  return { user: credentials.user, pass: credentials.password.reveal() };
}
