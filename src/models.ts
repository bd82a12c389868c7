import * as v from "valibot";
import { CredentialInputError } from "./errors.ts";
import {
  isObject,
  NON_EMPTY_STRING,
  objectMessage,
  type Schema,
  stringSchema,
} from "./validation.ts";

/**
 * The tokens of one login, as the JSON of the API.
 *
 * @category Models
 */
export interface Credentials {
  /** The ID token, a JWT that is valid for one hour. */
  id_token: string;
  /** The access token. */
  access_token: string;
  /** The refresh token. The response to a refresh usually has none, and the old one stays valid. */
  refresh_token?: string | undefined;
}

/**
 * The response to saving credentials.
 *
 * @category Models
 */
export interface AuthorizationTempCode {
  /** The temporary code, which can be exchanged once within 10 seconds. */
  code: string;
}

/**
 * The body of an error response of the API.
 *
 * @category Models
 */
export interface ApiErrorBody {
  /** The kind of the error in one word, such as `permission_denied`. */
  type: string;
  /** The message for humans. */
  message: string;
  /** Further details. */
  data?: Record<string, unknown>;
}

/** A schema for a token or code: any non-empty string. */
export const token: Schema<string> = /* @__PURE__ */ v.custom<string>(isToken, NON_EMPTY_STRING);

/** Checks whether a value can be a token or a code. */
export function isToken(value: unknown): value is string {
  return typeof value === "string" && value !== "";
}

/* @__NO_SIDE_EFFECTS__ */
function credentialsWith(refreshToken: Schema<string>): Schema<Credentials> {
  return v.pipe(
    v.object(
      { id_token: token, access_token: token, refresh_token: v.nullish(refreshToken) },
      objectMessage,
    ),
    v.transform(({ id_token, access_token, refresh_token }) =>
      refresh_token ? { id_token, access_token, refresh_token } : { id_token, access_token }
    ),
  );
}

/**
 * A schema for {@linkcode Credentials}. It removes unknown fields, accepts `refresh_token: null` as
 * absent, and rejects empty tokens.
 *
 * Use it with `v.parse` or `v.safeParse`, which return `Credentials`. The issues of a valibot error
 * contain the tokens, so do not log them.
 *
 * @example Parse a stored text
 * ```ts
 * import * as v from "valibot";
 * import {
 *   type Credentials,
 *   CredentialsSchema,
 * } from "@saasus-sdk/credential";
 *
 * const stored = '{"id_token":"a","access_token":"b","refresh_token":null}';
 * const json = JSON.parse(stored);
 * const credentials: Credentials = v.parse(CredentialsSchema, json);
 * console.assert(!("refresh_token" in credentials));
 * ```
 *
 * @category Models
 */
export const CredentialsSchema: Schema<Credentials> = /* @__PURE__ */ credentialsWith(token);

/** A schema for the response to a refresh, in which an empty `refresh_token` counts as absent. */
export const RefreshedCredentialsSchema: Schema<Credentials> = /* @__PURE__ */ credentialsWith(
  stringSchema,
);

/**
 * A schema for {@linkcode AuthorizationTempCode}. It accepts any non-empty code, because not every
 * code has the version bits of a UUID.
 *
 * @example Parse a response
 * ```ts
 * import * as v from "valibot";
 * import { AuthorizationTempCodeSchema } from "@saasus-sdk/credential";
 *
 * const response = { code: crypto.randomUUID() };
 * const { code } = v.parse(AuthorizationTempCodeSchema, response);
 * console.assert(code.length === 36);
 * ```
 *
 * @category Models
 */
export const AuthorizationTempCodeSchema: Schema<AuthorizationTempCode> = /* @__PURE__ */ v.object(
  { code: token },
  objectMessage,
);

/**
 * A schema for {@linkcode ApiErrorBody}. It removes unknown fields, and accepts `data: null` as
 * absent.
 *
 * @example Distinguish an error of the API from one of a proxy
 * ```ts
 * import * as v from "valibot";
 * import { ApiErrorBodySchema } from "@saasus-sdk/credential";
 *
 * const body = { type: "not_found", message: "no such code" };
 * console.assert(v.is(ApiErrorBodySchema, body));
 * console.assert(!v.is(ApiErrorBodySchema, { error: "Bad Gateway" }));
 * ```
 *
 * @category Models
 */
export const ApiErrorBodySchema: Schema<ApiErrorBody> = /* @__PURE__ */ v.pipe(
  /* @__PURE__ */ v.object(
    {
      type: stringSchema,
      message: stringSchema,
      data: /* @__PURE__ */ v.nullish(
        /* @__PURE__ */ v.custom<Record<string, unknown>>(isRecord, "Expected an object"),
      ),
    },
    ({ expected }) => expected === "Object" ? "Expected an object" : "Expected a string",
  ),
  /* @__PURE__ */ v.transform(({ type, message, data }) =>
    data ? { type, message, data } : { type, message }
  ),
);

/** Checks whether a value is an object and no array. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return isObject(value) && !Array.isArray(value);
}

/**
 * The flow that exchanges the temporary code of a login for its credentials.
 *
 * @category Models
 */
export interface TempCodeAuth {
  /**
   * The name of the flow.
   *
   * @default {"tempCodeAuth"}
   */
  authFlow?: "tempCodeAuth" | undefined;
  /** The temporary code from the hosted login or `createAuthCredentials`. */
  code: string;
  /** The refresh token of the other flow, which must be absent. */
  refreshToken?: undefined;
}

/**
 * The flow that gets new credentials for a refresh token.
 *
 * @category Models
 */
export interface RefreshTokenAuth {
  /** The name of the flow. */
  authFlow: "refreshTokenAuth";
  /** The refresh token of an earlier response. */
  refreshToken: string;
  /** The code of the other flow, which must be absent. */
  code?: undefined;
}

/**
 * The argument of `getAuthCredentials`: a temporary code or a refresh token, discriminated by
 * `authFlow`.
 *
 * Mixing the two is a compile error, and a `CredentialInputError` at run time.
 *
 * @example Both flows
 * ```ts
 * import type { AuthFlow } from "@saasus-sdk/credential";
 *
 * const code = crypto.randomUUID();
 * const refreshToken = "…";
 * const login: AuthFlow = { authFlow: "tempCodeAuth", code };
 * const short: AuthFlow = { code };
 * const refresh: AuthFlow = {
 *   authFlow: "refreshTokenAuth",
 *   refreshToken,
 * };
 * // @ts-expect-error a temporary code has no refresh token
 * const mixed: AuthFlow = { code, refreshToken };
 * ```
 *
 * @category Models
 */
export type AuthFlow = TempCodeAuth | RefreshTokenAuth;

/** A schema for a token in a query. A lone surrogate cannot be percent-encoded. */
const queryToken = /* @__PURE__ */ v.custom<string>(
  (value) => isToken(value) && value.isWellFormed(),
  ({ input }) => isToken(input) ? "Expected a string without lone surrogates" : NON_EMPTY_STRING,
);

/* @__NO_SIDE_EFFECTS__ */
function nothing(message: string): Schema<undefined> {
  return v.optional(v.custom<undefined>((value) => value === undefined, message));
}

const tempCodeAuth: Schema<TempCodeAuth> = /* @__PURE__ */ v.strictObject(
  {
    authFlow: /* @__PURE__ */ v.optional(
      /* @__PURE__ */ v.literal(
        "tempCodeAuth",
        'Expected "tempCodeAuth" or "refreshTokenAuth"',
      ),
      "tempCodeAuth",
    ),
    code: queryToken,
    refreshToken: /* @__PURE__ */ nothing(
      'Expected no refresh token unless "authFlow" is "refreshTokenAuth"',
    ),
  },
  (issue) => objectMessage(issue, '"authFlow" and "code"'),
);

const refreshTokenAuth: Schema<RefreshTokenAuth> = /* @__PURE__ */ v.strictObject(
  {
    authFlow: /* @__PURE__ */ v.literal("refreshTokenAuth"),
    refreshToken: queryToken,
    code: /* @__PURE__ */ nothing('Expected no code unless "authFlow" is "tempCodeAuth"'),
  },
  (issue) => objectMessage(issue, '"authFlow" and "refreshToken"'),
);

/**
 * A schema for {@linkcode AuthFlow}. It adds a missing `authFlow`.
 *
 * @example Parse the body of a request
 * ```ts
 * import * as v from "valibot";
 * import { AuthFlowSchema } from "@saasus-sdk/credential";
 *
 * const code = "69e732d6-8ecc-45c4-c2eb-8438f7ffe775";
 * const flow = v.parse(AuthFlowSchema, { code });
 * console.assert(flow.authFlow === "tempCodeAuth");
 * const mixed = { authFlow: "refreshTokenAuth", code };
 * console.assert(!v.is(AuthFlowSchema, mixed));
 * ```
 *
 * @category Models
 */
export const AuthFlowSchema: Schema<AuthFlow> = /* @__PURE__ */ v.lazy((input): Schema<AuthFlow> =>
  isRefresh(input) ? refreshTokenAuth : tempCodeAuth
);

function isRefresh(input: unknown): boolean {
  return isObject(input) && input["authFlow"] === "refreshTokenAuth";
}

/**
 * Claims of an ID token: the user and the times of the login. The ID token of SaaSus names no
 * tenant, role or plan.
 *
 * @category Models
 */
export interface IdTokenClaims {
  /** The id of the user. */
  sub: string;
  /** The e-mail address of the user; absent for users who sign in with a sign-in ID. */
  email?: string;
  /** The expiry of the token, in s since the epoch. */
  exp?: number;
  /** The time of issue of the token, in s since the epoch. */
  iat?: number;
  /** Any other claim. */
  [claim: string]: unknown;
}

/**
 * Decodes the claims of an ID token. **The token is not verified**: trust the claims only if the
 * token comes from the service itself, as in a session, and never if a browser or another server
 * sent it.
 *
 * @param idToken The ID token, a JWT.
 * @returns The claims.
 * @throws {CredentialInputError} If the text is not a JWT with the claim `sub`. The error contains
 * nothing of the text.
 *
 * @example Show the user who is signed in
 * ```ts
 * import { decodeIdToken } from "@saasus-sdk/credential";
 *
 * const claims = btoa(JSON.stringify({ sub: "5", email: "a@example.com" }));
 * const { sub, email } = decodeIdToken(
 *   `e30.${claims.replaceAll("=", "")}.c2ln`,
 * );
 * console.assert(sub === "5" && email === "a@example.com");
 * ```
 *
 * @category Models
 */
export function decodeIdToken(idToken: string): IdTokenClaims {
  const claims = jwtClaims(idToken);
  if (claims !== undefined && isIdTokenClaims(claims)) return claims;
  throw new CredentialInputError("Cannot decode the ID token", {
    issues: [{ path: "", expected: 'a JWT with a "sub" claim' }],
  });
}

/** Returns the claims of a JWT, which is not verified, or `undefined` if the text is not a JWT. */
export function jwtClaims(text: unknown): Record<string, unknown> | undefined {
  if (typeof text !== "string") return undefined;
  const [, payload] = /^[\w-]+\.([\w-]+)\.[\w-]*$/.exec(text) ?? [];
  if (payload === undefined) return undefined;
  try {
    const binary = atob(payload.replaceAll("-", "+").replaceAll("_", "/"));
    const bytes = Uint8Array.from(binary, (byte) => byte.charCodeAt(0));
    const claims: unknown = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
    return isRecord(claims) ? claims : undefined;
  } catch {
    return undefined;
  }
}

function isIdTokenClaims(claims: Record<string, unknown>): claims is IdTokenClaims {
  const { sub, email = "", exp = 0, iat = 0 } = claims;
  return typeof sub === "string" && typeof email === "string" && typeof exp === "number" &&
    typeof iat === "number";
}
