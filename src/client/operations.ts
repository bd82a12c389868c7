import { type AuthFlow, AuthFlowSchema } from "../models.ts";
import type { Operation } from "../errors.ts";
import {
  type AuthorizationTempCode,
  AuthorizationTempCodeSchema,
  type Credentials,
  CredentialsSchema,
  RefreshedCredentialsSchema,
} from "../models.ts";
import { checkInput, type Schema } from "../validation.ts";

/** One call of the API: what goes out, what has to come back, and what is told of it. */
export interface ApiCall<T> {
  /** The operation, as errors and hooks name it. */
  readonly operation: Operation;
  /** What every message about a failure begins with. */
  readonly failure: string;
  /** The HTTP method. */
  readonly method: "GET" | "POST";
  /** The query with its `?`, percent-encoded as it goes on the wire; it holds tokens. */
  readonly query: string;
  /** The body as it goes on the wire; it holds tokens. `""`: none. */
  readonly body: string;
  /** What the answer has to be. */
  readonly answer: Schema<T>;
  /** How long the call may take unless its caller says so, in ms. */
  readonly totalTimeout: number;
  /** What a 404 may mean after an attempt whose answer was lost. */
  readonly spent: string;
  /** What must not be repeated in an error. */
  readonly secrets: readonly string[];
}

const SAVE_FAILED = "Cannot save credentials";

/** The call that saves credentials and gets a temporary code. */
export function saveCall(input: Credentials): ApiCall<AuthorizationTempCode> {
  const credentials = checkInput(CredentialsSchema, input, {
    message: SAVE_FAILED,
    operation: "createAuthCredentials",
  });
  return {
    operation: "createAuthCredentials",
    failure: SAVE_FAILED,
    method: "POST",
    query: "",
    body: JSON.stringify(credentials),
    answer: AuthorizationTempCodeSchema,
    totalTimeout: 30_000,
    spent: "the credentials may have been saved",
    secrets: Object.values(credentials),
  };
}

/** The call that gets credentials for a temporary code or for a refresh token. */
export function getCall(input: AuthFlow): ApiCall<Credentials> {
  const flow = checkInput(AuthFlowSchema, input, {
    message: "Cannot get credentials",
    operation: "getAuthCredentials",
  });
  return flow.authFlow === "refreshTokenAuth"
    ? refreshCall(flow.refreshToken)
    : exchangeCall(flow.code);
}

function exchangeCall(code: string): ApiCall<Credentials> {
  return {
    operation: "getAuthCredentials",
    failure: "Cannot exchange temp code",
    method: "GET",
    query: `?code=${encodeQuery(code)}&auth-flow=tempCodeAuth`,
    body: "",
    answer: CredentialsSchema,
    totalTimeout: 10_000,
    spent: "the code may have been spent",
    secrets: [code],
  };
}

function refreshCall(refreshToken: string): ApiCall<Credentials> {
  return {
    operation: "getAuthCredentials",
    failure: "Cannot refresh credentials",
    method: "GET",
    query: `?auth-flow=refreshTokenAuth&refresh-token=${encodeQuery(refreshToken)}`,
    body: "",
    answer: RefreshedCredentialsSchema,
    totalTimeout: 30_000,
    spent: "the refresh token may have been replaced",
    secrets: [refreshToken],
  };
}

/**
 * Percent-encodes as the URL parser leaves it: that encodes `'` in a query, `encodeURIComponent` does not. Codes and tokens
 * usually have nothing to encode, and to look first is faster.
 */
function encodeQuery(text: string): string {
  return /[^\w.~-]/.test(text) ? encodeURIComponent(text).replaceAll("'", "%27") : text;
}
