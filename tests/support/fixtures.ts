// What the tests of the client share. Secrets are made at run time, so that no source line in a stack has one.
import {
  type AuthRequest,
  bearerAuth,
  CredentialClient,
  type CredentialClientOptions,
  type Credentials,
} from "../../mod.ts";
import {
  type FaultServer,
  json,
  type ReceivedRequest,
  type Reply,
  startServer,
} from "./fault_server.ts";

/** A secret of so many characters, with all that may be in a token. */
export function secret(length = 64): string {
  const bytes = crypto.getRandomValues(new Uint8Array(length));
  const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  return Array.from(bytes, (byte) => alphabet[byte % alphabet.length]).join("");
}

/** Credentials as the service hands them out. */
export function someCredentials(): Credentials & { refresh_token: string } {
  return { id_token: secret(400), access_token: secret(300), refresh_token: secret(1_100) };
}

/** A request that an `auth` can be asked about. */
export const AUTH_REQUEST: AuthRequest = {
  method: "GET",
  url: "https://api.saasus.io/v1/auth/credentials",
  body: "",
  timestamp: 0,
  rejected: false,
};

/** A server and a client of it that waits for nothing. */
export interface Scene extends AsyncDisposable {
  readonly server: FaultServer;
  readonly client: CredentialClient;
}

/** Starts a server with these answers, the last of which is repeated, and makes a client of it. */
export async function scene(
  respond: Reply | readonly Reply[] | ((request: ReceivedRequest) => Reply | Promise<Reply>),
  options: Partial<CredentialClientOptions> = {},
): Promise<Scene> {
  const replies = typeof respond === "function" ? [] : [respond].flat() as Reply[];
  const server = await startServer(
    typeof respond === "function"
      ? respond
      : ({ number }) => replies[Math.min(number, replies.length) - 1] ?? "close",
  );
  const client = new CredentialClient({
    auth: bearerAuth(secret()),
    baseUrl: `${server.origin}/v1/auth`,
    retry: { delay: 0 },
    ...options,
  });
  return { server, client, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() };
}

/** The service's answer to a good GET. */
export function ok(credentials: object = someCredentials()): Reply {
  return json(200, credentials);
}

/** The service's answer to a bad request. */
export function apiError(status: number, headers: Record<string, string> = {}): Reply {
  return json(status, { type: "some_error", message: "Some error" }, headers);
}

/** What a promise rejects with. */
export async function rejection(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise;
  } catch (thrown) {
    return thrown;
  }
  throw new Error("It did not reject");
}
