import { type CompleteAnswer, errorAnswer, jsonAnswer } from "./answer.ts";
import type { Flow } from "./faults.ts";
import type { CredentialVault, OwnedCredentials } from "./vault.ts";
import { describeIssues } from "../errors.ts";
import { type AuthorizationTempCode, CredentialsSchema, jwtClaims } from "../models.ts";
import { validate } from "../validation.ts";
import type { UserDirectory } from "./users.ts";

/** A response of an operation, and the user whom it concerns. */
export interface OperationResult {
  /** The response. */
  readonly answer: CompleteAnswer;
  /** The name of the user, if there is one. */
  readonly user?: string | undefined;
}

/**
 * Handles `POST /credentials`. The statuses 201, 400, 401 and 500 are documented.
 */
export function save(vault: CredentialVault, users: UserDirectory, body: string): OperationResult {
  const json = parsed(body);
  if (json === undefined) return failed(400, "The body is not JSON");
  const result = validate(CredentialsSchema, json);
  if (!result.ok) return failed(400, `The body is invalid: ${describeIssues(result.issues)}`);
  const { email, sub } = jwtClaims(result.value.id_token) ?? {};
  const answer: AuthorizationTempCode = { code: vault.save(result.value) };
  const user = sub === undefined ? undefined : users.ofClaims({ email, sub }).name;
  return { answer: jsonAnswer(201, answer), user };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Returns the flow of `GET /credentials`; `undefined` if it is unknown. */
export function flowOf(query: URLSearchParams): Flow | undefined {
  const flow = query.get("auth-flow") ?? "tempCodeAuth";
  return flow === "tempCodeAuth" || flow === "refreshTokenAuth" ? flow : undefined;
}

/**
 * Handles `GET /credentials`. The statuses 200, 404 and 500 are documented. 400 for an invalid
 * query is a guess, and so is 404 for a refresh token that is not valid. An empty parameter counts
 * as absent, because official clients refresh with an empty `code`.
 */
export function exchangeOrRefresh(
  vault: CredentialVault,
  query: URLSearchParams,
): OperationResult {
  const names = [...query.keys()];
  if (new Set(names).size < names.length) return failed(400, "A query parameter is repeated");
  const code = query.get("code") || undefined;
  const refreshToken = query.get("refresh-token") || undefined;
  switch (flowOf(query)) {
    case "tempCodeAuth":
      if (code === undefined) return failed(400, 'Query parameter "code" is missing');
      if (refreshToken !== undefined) return mixed("refresh-token", "tempCodeAuth");
      return resultOf(vault.exchange(code), "The code is unknown, used or expired");
    case "refreshTokenAuth":
      if (refreshToken === undefined) {
        return failed(400, 'Query parameter "refresh-token" is missing');
      }
      if (code !== undefined) return mixed("code", "refreshTokenAuth");
      return resultOf(
        vault.refresh(refreshToken),
        "The refresh token is unknown, expired, revoked or rotated",
      );
    default:
      return failed(
        400,
        'Query parameter "auth-flow" is neither "tempCodeAuth" nor "refreshTokenAuth"',
      );
  }
}

function mixed(parameter: string, flow: string): OperationResult {
  return failed(400, `Query parameter "${parameter}" does not belong to the flow "${flow}"`);
}

function resultOf(owned: OwnedCredentials | undefined, otherwise: string): OperationResult {
  if (owned === undefined) return failed(404, otherwise);
  return { answer: jsonAnswer(200, owned.credentials), user: owned.user.name };
}

/** Creates an error response. */
export function failed(status: number, message: string): OperationResult {
  return { answer: errorAnswer(status, message) };
}
