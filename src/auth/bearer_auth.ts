import { CredentialInputError } from "../errors.ts";
import { isVisibleAscii, VISIBLE_ASCII } from "../validation.ts";
import type { AuthRequest, RequestAuth } from "./request_auth.ts";

/**
 * Creates an `auth` for a bearer token (RFC 6750).
 *
 * @param token The token, or a function that returns it. The function is called for every attempt,
 * and once more with `rejected: true` if the service responds with 401. It should then return a new
 * token.
 * @returns The `auth` of a client.
 * @throws {CredentialInputError} If the token is empty or has spaces, control or non-ASCII
 * characters. With a function, the call rejects with this error. An error of the function rejects
 * the call unchanged.
 *
 * @example A fixed token
 * ```ts
 * import { bearerAuth, CredentialClient } from "@saasus-sdk/credential";
 *
 * const client = new CredentialClient({ auth: bearerAuth("token") });
 * ```
 *
 * @example A token that is renewed after a 401
 * ```ts
 * import { bearerAuth, CredentialClient } from "@saasus-sdk/credential";
 *
 * let token: string | undefined;
 * const auth = bearerAuth(async ({ rejected }) => {
 *   if (rejected || token === undefined) {
 *     token = await Promise.resolve("from-your-vault");
 *   }
 *   return token;
 * });
 * const client = new CredentialClient({ auth });
 * ```
 *
 * @category Authorization
 */
export function bearerAuth(
  token: string | ((request: Pick<AuthRequest, "rejected">) => string | Promise<string>),
): RequestAuth {
  if (typeof token === "function") {
    return async ({ rejected }) => bearer(await token({ rejected }));
  }
  const value = bearer(token);
  return () => value;
}

function bearer(token: unknown): string {
  if (isVisibleAscii(token)) return `Bearer ${token}`;
  throw new CredentialInputError("Cannot use the bearer token", {
    issues: [{
      path: "token",
      expected: `${VISIBLE_ASCII}, without "Bearer "`,
    }],
  });
}
