// The fixtures of the client tests. Secrets are created at run time, so source lines contain none.
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

/** Returns a random secret of a length, with the characters of tokens. */
export function secret(length = 64): string {
  const bytes = crypto.getRandomValues(new Uint8Array(length));
  const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  return Array.from(bytes, (byte) => alphabet[byte % alphabet.length]).join("");
}

/** Returns random credentials with tokens of realistic lengths. */
export function someCredentials(): Credentials & { refresh_token: string } {
  return { id_token: secret(400), access_token: secret(300), refresh_token: secret(1_100) };
}

/** The argument of an `auth` function. */
export const AUTH_REQUEST: AuthRequest = {
  method: "GET",
  url: "https://api.saasus.io/v1/auth/credentials",
  body: "",
  timestamp: 0,
  rejected: false,
};

/** A server, and a client that retries without delay. */
export interface Scene extends AsyncDisposable {
  readonly server: FaultServer;
  readonly client: CredentialClient;
}

/** Starts a server with replies, of which it repeats the last, and creates a client. */
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

/** Returns the reply to a successful GET. */
export function ok(credentials: object = someCredentials()): Reply {
  return json(200, credentials);
}

/** Returns the reply of an API error. */
export function apiError(status: number, headers: Record<string, string> = {}): Reply {
  return json(status, { type: "some_error", message: "Some error" }, headers);
}

/** Returns the error of a promise, which must reject. */
export async function rejection(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise;
  } catch (thrown) {
    return thrown;
  }
  throw new Error("The promise did not reject");
}
