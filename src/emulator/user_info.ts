import { jsonAnswer } from "./answer.ts";
import { failed, type OperationResult } from "./operations.ts";
import type { TokenMint } from "./tokens.ts";
import type { User, UserDirectory } from "./users.ts";

/**
 * Handles `GET /userinfo`. The statuses 200 and 401 are documented; 401 for a missing token is a
 * guess.
 */
export function userInfo(
  mint: TokenMint,
  users: UserDirectory,
  query: URLSearchParams,
): OperationResult {
  const tokens = query.getAll("token");
  const claims = tokens.length === 1 ? mint.verify(tokens[0] ?? "") : undefined;
  if (claims === undefined) return failed(401, "The ID token is missing, invalid or expired");
  const user = users.ofClaims(claims);
  return { answer: jsonAnswer(200, bodyOf(user)), user: user.name };
}

function bodyOf({ sub, email, signInId, tenants }: User): object {
  return { id: sub, email, sign_in_id: signInId, user_attribute: {}, tenants };
}
