/** Code that must compile, and code that must not: an unused directive is an error. */
import {
  bearerAuth,
  CredentialClient,
  type CredentialClientOptions,
  type CredentialErrorCode,
  type Credentials,
  CredentialSession,
  isCredentialError,
} from "@saasus-sdk/credential";
import { CredentialEmulator } from "@saasus-sdk/credential/emulator";
import { CredentialLogin, type CredentialLoginOptions } from "@saasus-sdk/credential/login";

type IsSame<A, B> = (<T>() => T extends A ? 1 : 2) extends (<T>() => T extends B ? 1 : 2) ? true
  : false;

type CredentialsResponse = Awaited<ReturnType<CredentialClient["getAuthCredentials"]>>;

export const theAnswerIsTyped: IsSame<CredentialsResponse, Credentials> = true;
export const aTokenIsAString: IsSame<Credentials["id_token"], string> = true;
export const aRefreshTokenMayBeAbsent: Credentials = { id_token: "a", access_token: "b" };
export const aCodeIsIssued: IsSame<ReturnType<CredentialEmulator["issueCode"]>, string> = true;

type IsAny<T> = 0 extends 1 & T ? true : false;

// Missing names of the DOM library would make these types `any`.
export const noOptionIsAny: IsAny<
  | NonNullable<CredentialClientOptions["fetch"]>
  | NonNullable<CredentialClientOptions["headers"]>
  | Parameters<NonNullable<CredentialClientOptions["fetch"]>>[0]
  | Parameters<CredentialSession["fetch"]>[0]
  | Parameters<CredentialSession["fetch"]>[1]
> = false;

export function options(client: CredentialClient): void {
  new CredentialClient({
    auth: bearerAuth("token"),
    fetch: globalThis.fetch,
    headers: new Headers({ "X-Request": "1" }),
    timeout: undefined,
  });
  new CredentialClient({ auth: bearerAuth("token"), headers: [["X-Request", "1"]] });
  const session = new CredentialSession({ client, fetch: globalThis.fetch, origins: undefined });
  void session.fetch(new URL("https://app.example.com"), { method: "POST", body: "text" });
  // @ts-expect-error -- a session has no `preconnect`, which Bun's `fetch` has
  void session.fetch.preconnect;
}

export function login(client: CredentialClient, options: CredentialLoginOptions): unknown[] {
  new CredentialLogin({ ...options, client, store: undefined, onSignIn: undefined });
  // @ts-expect-error -- `origin` is missing
  new CredentialLogin({ client, loginUrl: "https://auth.example.com/" });
  const { handle, protect } = new CredentialLogin({
    client,
    loginUrl: (request) => new URL(request.url),
    origin: "https://app.example.com",
    onSignIn: async (session) => {
      await session.getClaims();
    },
  });
  const handlers: ((request: Request) => Promise<Response | undefined>)[] = [
    handle,
    protect((request, session) => new Response(request.url + String(session.signedIn))),
  ];
  // A server may pass more arguments and its own type of request, like `Bun.serve`.
  const route: (request: Request & { params: string[] }, server: Map<string, string>) => unknown =
    protect((request: Request & { params: string[] }, _session, server: Map<string, string>) =>
      new Response(request.params.join() + server.size)
    );
  // @ts-expect-error -- a handler returns a response
  protect(() => "text");
  return [...handlers, route];
}

export async function calls(client: CredentialClient): Promise<void> {
  await client.getAuthCredentials({ code: "code" });
  await client.getAuthCredentials({ authFlow: "refreshTokenAuth", refreshToken: "token" });
  // @ts-expect-error -- the tokens are missing
  await client.getAuthCredentials({});
  // @ts-expect-error -- a refresh requires a refresh token
  await client.getAuthCredentials({ authFlow: "refreshTokenAuth", code: "code" });
  // @ts-expect-error -- both a code and a refresh token
  await client.getAuthCredentials({ code: "code", refreshToken: "token" });
  // @ts-expect-error -- an unknown flow
  await client.getAuthCredentials({ authFlow: "passwordAuth", code: "code" });
  await client.createAuthCredentials({
    id_token: "a",
    access_token: "b",
    refresh_token: undefined,
  });
  // @ts-expect-error -- the access token is missing
  await client.createAuthCredentials({ id_token: "token" });
  // @ts-expect-error -- an unknown option
  await client.getAuthCredentials({ code: "code" }, { timeOut: 1_000 });
  // @ts-expect-error -- `auth` is missing
  new CredentialClient({});
  // @ts-expect-error -- an unknown option
  new CredentialEmulator({ rotate: true });
}

export function errors(error: unknown): CredentialErrorCode | number | undefined {
  if (!isCredentialError(error)) return undefined;
  switch (error.code) {
    case "api_error":
      return error.status;
    case "timeout":
      return error.timeout;
    default:
      // @ts-expect-error -- the other error classes have no `timeout`
      void error.timeout;
      return error.code;
  }
}
