/**
 * A client of the SaaSus credentials API for Deno, Bun, Node, browsers and workers. It exchanges
 * the temporary code of a login for tokens, and keeps the tokens fresh.
 *
 * @example Exchange the code of a login
 * ```ts
 * import { CredentialClient, signatureAuth } from "@saasus-sdk/credential";
 *
 * const client = new CredentialClient({
 *   auth: signatureAuth({
 *     saasId: "saasID",
 *     apiKey: "apiKey",
 *     secretKey: "secret",
 *   }),
 * });
 *
 * async function exchange(code: string) {
 *   const tokens = await client.getAuthCredentials({ code });
 *   return tokens.id_token;
 * }
 * ```
 *
 * @example Keep a login: the ID token is always valid
 * ```ts
 * import {
 *   CredentialClient,
 *   CredentialSession,
 *   signatureAuth,
 * } from "@saasus-sdk/credential";
 *
 * const client = new CredentialClient({
 *   auth: signatureAuth({
 *     saasId: "saasID",
 *     apiKey: "apiKey",
 *     secretKey: "secret",
 *   }),
 * });
 * const session = new CredentialSession({ client });
 *
 * async function onCallback(code: string) {
 *   await session.signIn(code);
 *   return await session.getIdToken();
 * }
 * ```
 *
 * Errors have a `code` and contain nothing secret, and {@linkcode isCredentialError} recognises
 * them.
 *
 * A web login for servers is in `@saasus-sdk/credential/login`, and an emulator of the service, for
 * tests and for development without an account, in `@saasus-sdk/credential/emulator`.
 *
 * @module
 */

export { CredentialClient } from "./src/client/client.ts";
export type {
  ApiResponse,
  CallOptions,
  CredentialClientOptions,
  FromEnvOptions,
  RequestOptions,
  ResponseEvent,
  RetryEvent,
  RetryOptions,
} from "./src/client/options.ts";

export { CredentialSession } from "./src/session/session.ts";
export { CredentialSessions } from "./src/session/sessions.ts";
export type {
  CredentialSessionOptions,
  CredentialSessionsOptions,
  SessionCallOptions,
  SessionClient,
  SessionEvent,
  SessionListener,
  SessionLock,
  SessionLockManager,
  SessionStore,
} from "./src/session/options.ts";

export { signatureAuth } from "./src/auth/signature_auth.ts";
export type { SignatureAuthOptions } from "./src/auth/signature_auth.ts";
export { bearerAuth } from "./src/auth/bearer_auth.ts";
export type { AuthRequest, RequestAuth } from "./src/auth/request_auth.ts";

export {
  ApiErrorBodySchema,
  AuthFlowSchema,
  AuthorizationTempCodeSchema,
  CredentialsSchema,
  decodeIdToken,
} from "./src/models.ts";
export type {
  ApiErrorBody,
  AuthFlow,
  AuthorizationTempCode,
  Credentials,
  IdTokenClaims,
  RefreshTokenAuth,
  TempCodeAuth,
} from "./src/models.ts";

export {
  CredentialApiError,
  CredentialError,
  CredentialInputError,
  CredentialNetworkError,
  CredentialResponseError,
  CredentialSessionError,
  CredentialTimeoutError,
  isCredentialError,
} from "./src/errors.ts";
export type {
  AnyCredentialError,
  CredentialApiErrorOptions,
  CredentialErrorCode,
  CredentialErrorOptions,
  CredentialResponseErrorOptions,
  NetworkErrorReason,
  Operation,
  ValidationIssue,
} from "./src/errors.ts";
