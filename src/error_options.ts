import type { CredentialError } from "./errors.ts";
import type { ValidationIssue } from "./validation.ts";

/** The operations of the API, as errors and hooks name them. */
export type Operation = "createAuthCredentials" | "getAuthCredentials";

/** The `code` of every error of this package: what a `switch` tells them apart by. */
export type CredentialErrorCode =
  | "invalid_input"
  | "api_error"
  | "network_error"
  | "timeout"
  | "invalid_response"
  | "session_ended";

/** What every error of this package can be made of. */
export interface CredentialErrorOptions {
  /** The operation that failed; absent where none had begun. */
  operation?: Operation | undefined;
  /**
   * How often the call had been retried.
   *
   * @default {0}
   */
  retryCount?: number | undefined;
  /** The error of this package that led to this one. */
  cause?: CredentialError | undefined;
}

/** What a {@linkcode CredentialInputError} is made of. */
export interface CredentialInputErrorOptions extends CredentialErrorOptions {
  /** What is wrong, and where. */
  issues: readonly ValidationIssue[];
}

/** What a {@linkcode CredentialApiError} is made of. */
export interface CredentialApiErrorOptions extends CredentialErrorOptions {
  /** The status code of the answer. */
  status: number;
  /** The machine word of the error body. */
  type?: string | undefined;
  /** The `data` of the error body. */
  data?: Record<string, unknown> | undefined;
  /** The trace id of the answer. */
  traceId?: string | undefined;
  /** How long the server asks to wait, in ms. */
  retryAfter?: number | undefined;
}

/** Why there was no answer. `reset` is also a connection that ended in the middle of an answer. */
export type NetworkErrorReason = "refused" | "reset" | "dns" | "tls" | "other";

/** What a {@linkcode CredentialNetworkError} is made of. */
export interface CredentialNetworkErrorOptions extends CredentialErrorOptions {
  /** Why there was no answer. */
  reason: NetworkErrorReason;
}

/** What a {@linkcode CredentialTimeoutError} is made of. */
export interface CredentialTimeoutErrorOptions extends CredentialErrorOptions {
  /** The limit that ran out, in ms. */
  timeout: number;
}

/** What a {@linkcode CredentialResponseError} is made of. */
export interface CredentialResponseErrorOptions extends CredentialErrorOptions {
  /** The status code of the answer. */
  status: number;
  /** What is wrong with the body, and where. */
  issues?: readonly ValidationIssue[] | undefined;
  /** The trace id of the answer. */
  traceId?: string | undefined;
}
