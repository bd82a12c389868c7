import * as v from "valibot";
import { isToken } from "./models.ts";
import { NON_EMPTY_STRING, objectMessage, type Schema } from "./validation.ts";

/** Asks for the credentials behind the temporary code of a login. */
export interface TempCodeAuth {
  /** The flow. May be left out, as in the API. */
  authFlow?: "tempCodeAuth" | undefined;
  /** The temporary code that the hosted login, or `createAuthCredentials`, has handed out. */
  code: string;
  /** Belongs to the other flow. */
  refreshToken?: undefined;
}

/** Asks for fresh credentials in exchange for a refresh token. */
export interface RefreshTokenAuth {
  /** The flow. */
  authFlow: "refreshTokenAuth";
  /** The refresh token of an earlier answer. */
  refreshToken: string;
  /** Belongs to the other flow. */
  code?: undefined;
}

/**
 * What to get credentials for: a temporary code or a refresh token, told apart by `authFlow`.
 *
 * Mixing the two is a compile error, and a `CredentialInputError` at run time.
 *
 * @example Both flows
 * ```ts
 * import type { AuthFlow } from "@saasus-sdk/credential";
 *
 * const login: AuthFlow = { authFlow: "tempCodeAuth", code: crypto.randomUUID() };
 * const short: AuthFlow = { code: crypto.randomUUID() };
 * const refresh: AuthFlow = { authFlow: "refreshTokenAuth", refreshToken: "…" };
 * // @ts-expect-error a refresh token does not go with a temporary code
 * const mixed: AuthFlow = { authFlow: "tempCodeAuth", code: "…", refreshToken: "…" };
 * ```
 */
export type AuthFlow = TempCodeAuth | RefreshTokenAuth;

/** What goes into the query is percent-encoded, and half a surrogate pair has no encoding. */
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
 * Reads an {@linkcode AuthFlow}, and fills in `authFlow` where it was left out.
 *
 * @example Read a request's body
 * ```ts
 * import * as v from "valibot";
 * import { AuthFlowSchema } from "@saasus-sdk/credential";
 *
 * const flow = v.parse(AuthFlowSchema, { code: "69e732d6-8ecc-45c4-c2eb-8438f7ffe775" });
 * console.assert(flow.authFlow === "tempCodeAuth");
 * console.assert(!v.is(AuthFlowSchema, { authFlow: "refreshTokenAuth", code: "…" }));
 * ```
 */
export const AuthFlowSchema: Schema<AuthFlow> = /* @__PURE__ */ v.lazy((input): Schema<AuthFlow> =>
  isRefresh(input) ? refreshTokenAuth : tempCodeAuth
);

function isRefresh(input: unknown): boolean {
  return typeof input === "object" && input !== null && "authFlow" in input &&
    input.authFlow === "refreshTokenAuth";
}
