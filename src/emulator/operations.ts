import { type CompleteAnswer, errorAnswer, jsonAnswer } from "./answer.ts";
import type { CredentialVault } from "./vault.ts";
import { describeIssues } from "../errors.ts";
import { type AuthorizationTempCode, type Credentials, CredentialsSchema } from "../models.ts";
import { validate } from "../validation.ts";

/** Answers `POST /credentials`. */
export function save(vault: CredentialVault, body: string): CompleteAnswer {
  const json = parsed(body);
  if (json === undefined) return errorAnswer(400, "The body is not JSON");
  const result = validate(CredentialsSchema, json);
  if (!result.ok) return errorAnswer(400, `The body is wrong: ${describeIssues(result.issues)}`);
  const answer: AuthorizationTempCode = { code: vault.save(result.value) };
  return jsonAnswer(201, answer);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Answers `GET /credentials`. */
export function exchangeOrRefresh(
  vault: CredentialVault,
  query: URLSearchParams,
): CompleteAnswer {
  const names = [...query.keys()];
  if (new Set(names).size < names.length) return errorAnswer(400, "A query parameter comes twice");
  const code = query.get("code");
  const refreshToken = query.get("refresh-token");
  switch (query.get("auth-flow")) {
    case null:
    case "tempCodeAuth":
      if (!code) return errorAnswer(400, 'Query parameter "code" is missing');
      if (refreshToken !== null) return mixed("refresh-token", "tempCodeAuth");
      return credentialsAnswer(vault.exchange(code), "The code is unknown, used or expired");
    case "refreshTokenAuth":
      if (!refreshToken) return errorAnswer(400, 'Query parameter "refresh-token" is missing');
      if (code !== null) return mixed("code", "refreshTokenAuth");
      return credentialsAnswer(
        vault.refresh(refreshToken),
        "The refresh token is unknown, expired, revoked or rotated",
      );
    default:
      return errorAnswer(
        400,
        'Query parameter "auth-flow" is neither "tempCodeAuth" nor "refreshTokenAuth"',
      );
  }
}

function mixed(parameter: string, flow: string): CompleteAnswer {
  return errorAnswer(400, `Query parameter "${parameter}" does not go with the flow "${flow}"`);
}

function credentialsAnswer(
  credentials: Credentials | undefined,
  otherwise: string,
): CompleteAnswer {
  return credentials === undefined ? errorAnswer(404, otherwise) : jsonAnswer(200, credentials);
}
