import type { Operation } from "../errors.ts";
import {
  type AuthFlow,
  AuthFlowSchema,
  type AuthorizationTempCode,
  AuthorizationTempCodeSchema,
  type Credentials,
  CredentialsSchema,
  RefreshedCredentialsSchema,
} from "../models.ts";
import { checkInput, type Schema } from "../validation.ts";

/** An operation of the API as a request, with the expected response. */
export interface ApiRequest<T> {
  /** The operation, as errors and hooks name it. */
  readonly operation: Operation;
  /** The beginning of all error messages. */
  readonly message: string;
  /** The HTTP method. */
  readonly method: "GET" | "POST";
  /** The query with its `?`, percent-encoded as it is sent. It contains tokens. */
  readonly query: string;
  /** The body as it is sent, or `""`. It contains tokens. */
  readonly body: string;
  /** The schema of the response body. */
  readonly response: Schema<T>;
  /** The default time limit of the whole call, in ms. */
  readonly totalTimeout: number;
  /** The possible effect of an attempt whose response was lost, for the message of a later 404. */
  readonly lostEffect: string;
  /** The texts that an error must not contain. */
  readonly secrets: readonly string[];
}

/** Returns the request that saves credentials and gets a temporary code. */
export function saveRequest(input: Credentials): ApiRequest<AuthorizationTempCode> {
  const context = {
    message: "Cannot save credentials",
    operation: "createAuthCredentials",
  } as const;
  const credentials = checkInput(CredentialsSchema, input, context);
  return {
    ...context,
    method: "POST",
    query: "",
    body: JSON.stringify(credentials),
    response: AuthorizationTempCodeSchema,
    totalTimeout: 30_000,
    lostEffect: "the credentials may have been saved",
    secrets: Object.values(credentials),
  };
}

/** Returns the request that gets credentials for a temporary code or a refresh token. */
export function getRequest(input: AuthFlow): ApiRequest<Credentials> {
  const operation = "getAuthCredentials";
  const flow = checkInput(AuthFlowSchema, input, { message: "Cannot get credentials", operation });
  const common = { operation, method: "GET", body: "" } as const;
  if (flow.authFlow === "refreshTokenAuth") {
    const { refreshToken } = flow;
    return {
      ...common,
      message: "Cannot refresh credentials",
      query: `?auth-flow=refreshTokenAuth&refresh-token=${encodeQuery(refreshToken)}`,
      response: RefreshedCredentialsSchema,
      totalTimeout: 30_000,
      lostEffect: "the refresh token may have been replaced",
      secrets: [refreshToken],
    };
  }
  const { code } = flow;
  return {
    ...common,
    message: "Cannot exchange temp code",
    query: `?code=${encodeQuery(code)}&auth-flow=tempCodeAuth`,
    response: CredentialsSchema,
    totalTimeout: 10_000,
    lostEffect: "the code may have been used",
    secrets: [code],
  };
}

/**
 * Percent-encodes a query parameter as the URL parser leaves it. The parser encodes `'` in a query,
 * `encodeURIComponent` does not. Codes and tokens usually need no encoding, and the check is
 * faster.
 */
function encodeQuery(text: string): string {
  return /[^\w.~-]/.test(text) ? encodeURIComponent(text).replaceAll("'", "%27") : text;
}
