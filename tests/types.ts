/**
 * Calls that must compile, and calls that must not. `deno check` fails for any other result. The
 * functions are never called.
 */
import * as v from "valibot";
import {
  type AnyCredentialError,
  type ApiErrorBody,
  ApiErrorBodySchema,
  type ApiResponse,
  type AuthFlow,
  AuthFlowSchema,
  type AuthorizationTempCode,
  AuthorizationTempCodeSchema,
  type AuthRequest,
  bearerAuth,
  CredentialApiError,
  CredentialClient,
  type CredentialClientOptions,
  CredentialError,
  type CredentialErrorCode,
  type CredentialInputError,
  type CredentialNetworkError,
  type CredentialResponseError,
  type Credentials,
  CredentialSession,
  type CredentialSessionOptions,
  CredentialSessions,
  type CredentialSessionsOptions,
  CredentialsSchema,
  type CredentialTimeoutError,
  decodeIdToken,
  type IdTokenClaims,
  isCredentialError,
  type NetworkErrorReason,
  type Operation,
  type RefreshTokenAuth,
  type RequestAuth,
  type RequestOptions,
  type ResponseEvent,
  type RetryEvent,
  type RetryOptions,
  type SessionClient,
  type SessionEvent,
  signatureAuth,
  type TempCodeAuth,
  type ValidationIssue,
} from "../mod.ts";

/** `true` if two types are identical. `any` is identical to nothing but itself. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends (<T>() => T extends B ? 1 : 2) ? true
  : false;

/** Compiles with the type `true` only. */
declare function holds<Claim extends true>(): Claim;

declare const client: CredentialClient;
declare const text: string;
declare const code: string;
declare const refreshToken: string;

export function authFlows(): void {
  const flows: AuthFlow[] = [
    { code },
    { authFlow: "tempCodeAuth", code },
    { authFlow: undefined, code },
    { authFlow: "tempCodeAuth", code, refreshToken: undefined },
    { authFlow: "refreshTokenAuth", refreshToken },
    { authFlow: "refreshTokenAuth", refreshToken, code: undefined },
  ];
  client.getAuthCredentials(flows[0] as AuthFlow);
  client.getAuthCredentials({ code });
  client.getAuthCredentials({ authFlow: "tempCodeAuth", code });
  client.getAuthCredentials({ authFlow: "refreshTokenAuth", refreshToken });

  // @ts-expect-error the flow is missing
  client.getAuthCredentials();
  // @ts-expect-error a code is missing
  client.getAuthCredentials({});
  // @ts-expect-error a code is missing
  client.getAuthCredentials({ authFlow: "tempCodeAuth" });
  // @ts-expect-error a refresh token is missing
  client.getAuthCredentials({ authFlow: "refreshTokenAuth" });
  // @ts-expect-error a refresh token requires its authFlow
  client.getAuthCredentials({ refreshToken });
  // @ts-expect-error the other flow's token
  client.getAuthCredentials({ authFlow: "tempCodeAuth", refreshToken });
  // @ts-expect-error the other flow's token
  client.getAuthCredentials({ authFlow: "refreshTokenAuth", code });
  // @ts-expect-error both tokens
  client.getAuthCredentials({ code, refreshToken });
  // @ts-expect-error both tokens
  client.getAuthCredentials({ authFlow: "tempCodeAuth", code, refreshToken });
  // @ts-expect-error both tokens
  client.getAuthCredentials({ authFlow: "refreshTokenAuth", code, refreshToken });
  // @ts-expect-error an unknown flow
  client.getAuthCredentials({ authFlow: "passwordAuth", code });
  // @ts-expect-error any string instead of a flow
  client.getAuthCredentials({ authFlow: text, code });
  // @ts-expect-error a flow cannot be null
  client.getAuthCredentials({ authFlow: null, code });
  // @ts-expect-error a code is a string
  client.getAuthCredentials({ code: 5 });
  // @ts-expect-error a code may be missing
  client.getAuthCredentials({ code: undefined });
  // @ts-expect-error a query parameter may be null
  client.getAuthCredentials({ code: new URLSearchParams().get("code") });
  // @ts-expect-error a refresh token is a string
  client.getAuthCredentials({ authFlow: "refreshTokenAuth", refreshToken: undefined });
  // @ts-expect-error the refresh token of a response may be missing
  client.getAuthCredentials({
    authFlow: "refreshTokenAuth",
    refreshToken: ({} as Credentials).refresh_token,
  });
  // @ts-expect-error the names of the query parameters
  client.getAuthCredentials({ "auth-flow": "refreshTokenAuth", "refresh-token": refreshToken });
  // @ts-expect-error an unknown field
  client.getAuthCredentials({ code, state: "x" });
  // @ts-expect-error the arguments of the official SDK
  client.getAuthCredentials(code, "tempCodeAuth", refreshToken);
}

export function authFlowsInVariables(): void {
  const both = { authFlow: "tempCodeAuth", code, refreshToken } as const;
  const bothOther = { authFlow: "refreshTokenAuth", code, refreshToken } as const;
  const bothShort = { code, refreshToken };
  const otherToken = { authFlow: "refreshTokenAuth", code } as const;
  const noFlow = { refreshToken };
  const anyFlow = { authFlow: text, code };
  const undecided = { authFlow: "tempCodeAuth" as "tempCodeAuth" | "refreshTokenAuth", code };
  // @ts-expect-error both tokens
  client.getAuthCredentials(both);
  // @ts-expect-error both tokens
  client.getAuthCredentials(bothOther);
  // @ts-expect-error both tokens
  client.getAuthCredentials(bothShort);
  // @ts-expect-error the other flow's token
  client.getAuthCredentials(otherToken);
  // @ts-expect-error a refresh token requires its authFlow
  client.getAuthCredentials(noFlow);
  // @ts-expect-error any string instead of a flow
  client.getAuthCredentials(anyFlow);
  // @ts-expect-error a code is not enough for both flows
  client.getAuthCredentials(undecided);
  // @ts-expect-error both tokens in an assignment
  const flow: AuthFlow = both;
  // @ts-expect-error both tokens for an exchange
  const exchange: TempCodeAuth = bothShort;
  // @ts-expect-error both tokens for a refresh
  const refresh: RefreshTokenAuth = bothOther;
  void [flow, exchange, refresh];
}

export function narrowing(flow: AuthFlow): string {
  // @ts-expect-error the code may be missing
  const length = flow.code.length;
  void length;
  if (flow.authFlow === "refreshTokenAuth") {
    holds<Same<typeof flow, RefreshTokenAuth>>();
    holds<Same<typeof flow.code, undefined>>();
    return flow.refreshToken;
  }
  holds<Same<typeof flow, TempCodeAuth>>();
  holds<Same<typeof flow.refreshToken, undefined>>();
  return flow.code;
}

export function exhaustive(flow: AuthFlow): string {
  switch (flow.authFlow) {
    case "refreshTokenAuth":
      return flow.refreshToken;
    case "tempCodeAuth":
    case undefined:
      return flow.code;
    default:
      return flow satisfies never;
  }
}

export function saving(): void {
  client.createAuthCredentials({ id_token: text, access_token: text });
  client.createAuthCredentials({ id_token: text, access_token: text, refresh_token: text });
  client.createAuthCredentials({ id_token: text, access_token: text, refresh_token: undefined });
  // @ts-expect-error the tokens are missing
  client.createAuthCredentials();
  // @ts-expect-error the tokens are missing
  client.createAuthCredentials({});
  // @ts-expect-error the access token is missing
  client.createAuthCredentials({ id_token: text });
  // @ts-expect-error the ID token is missing
  client.createAuthCredentials({ access_token: text });
  // @ts-expect-error a token is a string
  client.createAuthCredentials({ id_token: text, access_token: 5 });
  // @ts-expect-error a token cannot be null
  client.createAuthCredentials({ id_token: text, access_token: text, refresh_token: null });
  // @ts-expect-error another name
  client.createAuthCredentials({ idToken: text, accessToken: text });
  // @ts-expect-error an unknown field
  client.createAuthCredentials({ id_token: text, access_token: text, code });
}

export async function responses(): Promise<void> {
  const saved = await client.createAuthCredentials({ id_token: text, access_token: text });
  holds<Same<typeof saved, AuthorizationTempCode>>();
  holds<Same<typeof saved.code, string>>();
  const credentials = await client.getAuthCredentials({ code });
  holds<Same<typeof credentials, Credentials>>();
  holds<Same<typeof credentials.refresh_token, string | undefined>>();
  const savedResponse = await client.createAuthCredentialsWithResponse(credentials);
  holds<Same<typeof savedResponse, ApiResponse<AuthorizationTempCode>>>();
  const response = await client.getAuthCredentialsWithResponse({ code });
  holds<Same<typeof response, ApiResponse<Credentials>>>();
  holds<Same<typeof response.headers, Headers>>();
  holds<Same<typeof response.traceId, string | undefined>>();
  holds<Same<typeof response.retryCount, number>>();
  // The result of one is an argument of the other.
  await client.createAuthCredentials(credentials);
  await client.getAuthCredentials(saved);
  // @ts-expect-error a response is read-only
  response.status = 200;
  // @ts-expect-error both tokens
  await client.getAuthCredentialsWithResponse({ code, refreshToken });
  // @ts-expect-error the access token is missing
  await client.createAuthCredentialsWithResponse({ id_token: text });
}

export function schemas(input: unknown): void {
  const credentials = v.parse(CredentialsSchema, input);
  holds<Same<typeof credentials, Credentials>>();
  const tempCode = v.parse(AuthorizationTempCodeSchema, input);
  holds<Same<typeof tempCode, AuthorizationTempCode>>();
  const errorBody = v.parse(ApiErrorBodySchema, input);
  holds<Same<typeof errorBody, ApiErrorBody>>();
  const flow = v.parse(AuthFlowSchema, input);
  holds<Same<typeof flow, AuthFlow>>();
  holds<Same<v.InferOutput<typeof CredentialsSchema>, Credentials>>();
  holds<Same<v.InferInput<typeof CredentialsSchema>, unknown>>();
  holds<Same<v.InferOutput<typeof AuthFlowSchema>, AuthFlow>>();
  holds<Same<ApiErrorBody["data"], Record<string, unknown> | undefined>>();
  const result = v.safeParse(CredentialsSchema, input);
  if (result.success) holds<Same<typeof result.output, Credentials>>();
  const login = v.object({ user: v.string(), credentials: CredentialsSchema });
  holds<Same<v.InferOutput<typeof login>, { user: string; credentials: Credentials }>>();
  // @ts-expect-error the output of another schema
  const wrong: Credentials = v.parse(AuthorizationTempCodeSchema, input);
  // @ts-expect-error the refresh token may be missing
  const length = credentials.refresh_token.length;
  void [wrong, length];
}

export function clients(auth: RequestAuth): void {
  new CredentialClient({ auth });
  new CredentialClient({
    auth,
    baseUrl: "http://localhost:4010/v1/auth",
    timeout: 1,
    totalTimeout: 1,
    retry: { limit: 1, delay: 1, maxDelay: 1 },
    headers: [["x-a", "1"]],
    referer: "https://app.example",
    saasusReferer: null,
    traceId: undefined,
    fetch,
    now: Date.now,
    onRetry: () => {},
    onResponse: async () => {},
  });
  new CredentialClient({ auth, retry: false, headers: new Headers() });
  CredentialClient.fromEnv();
  CredentialClient.fromEnv({ env: { BEARER_TOKEN: text, OTHER: undefined }, timeout: 1 });

  // @ts-expect-error the options are missing
  new CredentialClient();
  // @ts-expect-error auth is missing
  new CredentialClient({});
  // @ts-expect-error auth is missing
  new CredentialClient({ baseUrl: text });
  // @ts-expect-error auth cannot be a string
  new CredentialClient({ auth: text });
  // @ts-expect-error auth may be missing
  new CredentialClient({ auth: undefined });
  // @ts-expect-error auth cannot be the keys
  new CredentialClient({ auth: { saasId: text, apiKey: text, secretKey: text } });
  // @ts-expect-error an unknown option
  new CredentialClient({ auth, timeOut: 1 });
  // @ts-expect-error a time is a number
  new CredentialClient({ auth, timeout: "5s" });
  // @ts-expect-error a time limit cannot be disabled
  new CredentialClient({ auth, totalTimeout: false });
  // @ts-expect-error retry cannot be true
  new CredentialClient({ auth, retry: true });
  // @ts-expect-error retry cannot be a number
  new CredentialClient({ auth, retry: 2 });
  // @ts-expect-error an option of ky
  new CredentialClient({ auth, retry: { backoffLimit: 1 } });
  // @ts-expect-error a base URL is a string
  new CredentialClient({ auth, baseUrl: new URL("https://a.example") });
  // @ts-expect-error a header is a string
  new CredentialClient({ auth, headers: { "x-a": 1 } });
  // @ts-expect-error a referer is a string
  new CredentialClient({ auth, referer: new URL("https://a.example") });
  // @ts-expect-error a clock returns a number
  new CredentialClient({ auth, now: () => new Date() });
  // @ts-expect-error a fetch returns a Response
  new CredentialClient({ auth, fetch: () => Promise.resolve("x") });
  // @ts-expect-error the environment contains the auth
  CredentialClient.fromEnv({ auth });
  // @ts-expect-error a variable is a string
  CredentialClient.fromEnv({ env: { BEARER_TOKEN: 5 } });
}

export function calls(signal: AbortSignal, auth: RequestAuth): void {
  client.getAuthCredentials({ code }, { signal, auth, timeout: 1, retry: false, referer: null });
  client.getAuthCredentials({ code }, undefined);
  // @ts-expect-error a controller instead of its signal
  client.getAuthCredentials({ code }, { signal: new AbortController() });
  // @ts-expect-error an option of the client only
  client.getAuthCredentials({ code }, { baseUrl: text });
  // @ts-expect-error an option of the client only
  client.getAuthCredentials({ code }, { onRetry: () => {} });
  // @ts-expect-error a time is a number
  client.createAuthCredentials({ id_token: text, access_token: text }, { timeout: "1" });
  // @ts-expect-error a signal instead of options
  client.getAuthCredentials({ code }, signal);
  holds<Same<RequestOptions["retry"], RetryOptions | false | undefined>>();
}

export function hooks(auth: RequestAuth): void {
  new CredentialClient({
    auth,
    onRetry(event) {
      holds<Same<typeof event, RetryEvent>>();
      holds<Same<typeof event.operation, Operation>>();
      holds<Same<typeof event.attempt, number>>();
      holds<Same<typeof event.delay, number>>();
      holds<Same<typeof event.error, AnyCredentialError>>();
      if (event.error.code === "api_error") holds<Same<typeof event.error, CredentialApiError>>();
      // @ts-expect-error an event is read-only
      event.delay = 0;
      // @ts-expect-error an event has no request
      void event.request;
    },
    onResponse(event) {
      holds<Same<typeof event, ResponseEvent>>();
      holds<Same<typeof event.status, number>>();
      holds<Same<typeof event.duration, number>>();
      holds<Same<typeof event.traceId, string | undefined>>();
      // @ts-expect-error an event has no body
      void event.data;
    },
  });
  holds<Same<Operation, "createAuthCredentials" | "getAuthCredentials">>();
  // @ts-expect-error a hook has one argument
  new CredentialClient({ auth, onRetry: (event: RetryEvent, more: string) => void [event, more] });
  // @ts-expect-error the event of another hook
  new CredentialClient({ auth, onResponse: (event: RetryEvent) => void event });
}

export function authorizations(): void {
  const all: RequestAuth[] = [
    bearerAuth(text),
    bearerAuth(() => text),
    bearerAuth(async ({ rejected }) => {
      holds<Same<typeof rejected, boolean>>();
      return await Promise.resolve(text);
    }),
    signatureAuth({ saasId: text, apiKey: text, secretKey: text }),
    () => text,
    ({ method, url, body, timestamp, rejected }: AuthRequest) =>
      `${method}${url}${body}${timestamp}${rejected}`,
  ];
  void all;
  // @ts-expect-error the token is missing
  bearerAuth();
  // @ts-expect-error a token may be missing
  bearerAuth(undefined as string | undefined);
  // @ts-expect-error a function returns a string
  bearerAuth(() => undefined);
  // @ts-expect-error the token function has no URL
  bearerAuth(({ url }) => url);
  // @ts-expect-error the options are missing
  signatureAuth();
  // @ts-expect-error the secret is missing
  signatureAuth({ saasId: text, apiKey: text });
  // @ts-expect-error an unknown option
  signatureAuth({ saasId: text, apiKey: text, secretKey: text, clientSecret: text });
  // @ts-expect-error a key may be missing
  signatureAuth({ saasId: text, apiKey: text, secretKey: undefined as string | undefined });
  // @ts-expect-error an auth returns a string
  const none: RequestAuth = () => undefined;
  void none;
  holds<Same<CredentialClientOptions["auth"], RequestAuth>>();
}

export function errors(caught: unknown): string {
  // @ts-expect-error a caught value is unknown
  void caught.code;
  if (!isCredentialError(caught)) return "";
  holds<Same<typeof caught, AnyCredentialError>>();
  holds<Same<typeof caught.code, CredentialErrorCode>>();
  holds<Same<typeof caught.retryCount, number>>();
  holds<Same<typeof caught.operation, Operation | undefined>>();
  // @ts-expect-error not every error has a status
  void caught.status;
  switch (caught.code) {
    case "invalid_input":
      holds<Same<typeof caught, CredentialInputError>>();
      holds<Same<typeof caught.issues, readonly ValidationIssue[]>>();
      return caught.issues.map(({ path, expected }) => path + expected).join();
    case "api_error":
      holds<Same<typeof caught.status, number>>();
      holds<Same<typeof caught.type, string | undefined>>();
      holds<Same<typeof caught.data, Record<string, unknown> | undefined>>();
      holds<Same<typeof caught.traceId, string | undefined>>();
      holds<Same<typeof caught.retryAfter, number | undefined>>();
      // @ts-expect-error a field of another error class
      void caught.reason;
      return caught.type ?? "";
    case "network_error":
      holds<Same<typeof caught, CredentialNetworkError>>();
      holds<Same<typeof caught.reason, NetworkErrorReason>>();
      holds<Same<NetworkErrorReason, "refused" | "reset" | "dns" | "tls" | "other">>();
      return caught.reason;
    case "timeout":
      holds<Same<typeof caught, CredentialTimeoutError>>();
      holds<Same<typeof caught.timeout, number>>();
      return String(caught.timeout);
    case "invalid_response":
      holds<Same<typeof caught, CredentialResponseError>>();
      holds<Same<typeof caught.issues, readonly ValidationIssue[] | undefined>>();
      return String(caught.status);
    case "session_ended":
      return caught.message;
    default:
      return caught satisfies never;
  }
}

export function incompleteSwitch(error: AnyCredentialError): string {
  switch (error.code) {
    case "invalid_input":
    case "api_error":
    case "network_error":
    case "timeout":
    case "invalid_response":
      return error.message;
    default:
      // @ts-expect-error session_ended is not handled
      return error satisfies never;
  }
}

export function errorClasses(): void {
  // @ts-expect-error the base class is abstract
  new CredentialError("x");
  // @ts-expect-error the status is missing
  new CredentialApiError("x", {});
  const error = new CredentialApiError("x", { status: 500 });
  holds<Same<typeof error.code, "api_error">>();
  // @ts-expect-error an error is read-only
  error.status = 200;
  // @ts-expect-error an unknown code
  void (error.code === "not_found");
}

type IsAny<T> = 0 extends 1 & T ? true : false;

type SessionFetch = CredentialSession["fetch"];

export async function sessionFetch(session: CredentialSession): Promise<void> {
  holds<
    Same<SessionFetch, (input: string | URL | Request, init?: RequestInit) => Promise<Response>>
  >();
  holds<Same<IsAny<Parameters<SessionFetch>[0]>, false>>();
  holds<Same<IsAny<Parameters<SessionFetch>[1]>, false>>();
  holds<Same<keyof SessionFetch, never>>();
  const response = await session.fetch(new URL("https://app.example.com"), { method: "POST" });
  holds<Same<typeof response, Response>>();
  await session.fetch("https://app.example.com", new Request("https://app.example.com"));
  // @ts-expect-error only Bun's fetch has `preconnect`
  void session.fetch.preconnect;
  // @ts-expect-error a number is no URL
  await session.fetch(5);
  // @ts-expect-error an unknown option
  await session.fetch("https://app.example.com", { methods: "POST" });
  // @ts-expect-error the function cannot be replaced
  session.fetch = fetch;
}

export function sessionOptions(client: CredentialClient, storage: Storage): void {
  const options: CredentialSessionOptions = { client };
  new CredentialSession({ ...options, store: storage, fetch, lock: navigator.locks });
  new CredentialSession({ client, fetch: (input, init) => fetch(input, init), origins: undefined });
  new CredentialSession({
    client: { getAuthCredentials: (flow) => client.getAuthCredentials(flow) },
  });
  holds<CredentialClient extends SessionClient ? true : false>();
  // @ts-expect-error the client is missing
  new CredentialSession({});
  // @ts-expect-error only CredentialSessions has a prefix
  new CredentialSession({ client, prefix: "a" });
  // @ts-expect-error a store has three methods
  new CredentialSession({ client, store: { getItem: () => null } });
  const many: CredentialSessionsOptions = { client, store: storage };
  holds<Same<ReturnType<CredentialSessions["get"]>, CredentialSession>>();
  new CredentialSessions({ ...many, recheck: undefined, ttl: 60, prefix: "" });
  // @ts-expect-error the store is missing
  new CredentialSessions({ client });
  // @ts-expect-error each id has a key of its own
  new CredentialSessions({ ...many, key: "a" });
}

export async function sessionResults(session: CredentialSession): Promise<void> {
  holds<Same<typeof session.signedIn, boolean>>();
  const claims = await session.getClaims();
  holds<Same<typeof claims, IdTokenClaims>>();
  const decoded = decodeIdToken(await session.getIdToken());
  holds<Same<typeof decoded, IdTokenClaims>>();
  holds<Same<typeof decoded.sub, string>>();
  holds<Same<typeof decoded.email, string | undefined>>();
  holds<Same<IsAny<(typeof decoded)["any_other_claim"]>, false>>();
  // @ts-expect-error an ID token is a text
  decodeIdToken(undefined);
  // @ts-expect-error a code has no refresh token
  await session.signIn({ code: "a", refreshToken: "b" });
}

export function sessionEvents(event: SessionEvent): string {
  if (event.type === "ended") return event.error.code;
  // @ts-expect-error only the end of a session has an error
  void event.error;
  return event.type satisfies "signed_in" | "refreshed" | "signed_out";
}
