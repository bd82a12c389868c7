/**
 * An operation of the API, as errors and hooks name it.
 *
 * @category Errors
 */
export type Operation = "createAuthCredentials" | "getAuthCredentials";

/**
 * The `code` of an error of this package. A `switch` over it narrows the error to its class.
 *
 * @category Errors
 */
export type CredentialErrorCode =
  | "invalid_input"
  | "api_error"
  | "network_error"
  | "timeout"
  | "invalid_response"
  | "session_ended";

/**
 * Options for {@linkcode CredentialError}.
 *
 * @category Errors
 */
export interface CredentialErrorOptions {
  /** The operation that failed; absent if no operation had started. */
  operation?: Operation | undefined;
  /**
   * The number of retries before the call failed.
   *
   * @default {0}
   */
  retryCount?: number | undefined;
  /** The error of this package that led to this error. */
  cause?: CredentialError | undefined;
}

/** The property that marks an error of this package, in every copy of the package. */
const BRAND: unique symbol = Symbol.for("@saasus-sdk/credential/error") as never;

/**
 * The base class of all errors of this package. Errors are safe to log: the message, the fields,
 * the stack and the causes contain no token, code, signature or request URL. Of the server's error
 * response, only `type`, `data` and `traceId` are kept, and only if they contain nothing that looks
 * like a token.
 *
 * @example Tell the errors apart
 * ```ts
 * import { isCredentialError } from "@saasus-sdk/credential";
 *
 * function describe(error: unknown): string {
 *   if (!isCredentialError(error)) throw error;
 *   switch (error.code) {
 *     case "api_error":
 *       return `${error.status} ${error.type} ${error.traceId}`;
 *     case "network_error":
 *       return error.reason; // such as "refused"
 *     default:
 *       return error.message;
 *   }
 * }
 * ```
 *
 * @category Errors
 */
export abstract class CredentialError extends Error {
  /** The kind of the error. */
  abstract readonly code: CredentialErrorCode;
  /** The operation that failed; absent if no operation had started. */
  declare readonly operation?: Operation;
  /** The error behind this error: of an earlier attempt, or of the refresh that ended a session. */
  declare readonly cause?: CredentialError;
  /** The number of retries before the call failed. */
  readonly retryCount: number;

  /** Creates an error from a message and what is known of the call. */
  constructor(message: string, options: CredentialErrorOptions = {}) {
    const { cause, retryCount = 0, ...fields } = options;
    super(message, cause === undefined ? undefined : { cause });
    this.retryCount = retryCount;
    setDefined(this, fields);
  }

  static {
    Object.defineProperty(this.prototype, BRAND, { value: true });
  }

  /** Returns all fields of the error, for logs in JSON. */
  toJSON(): Record<string, unknown> {
    const { name, message, cause } = this;
    return { name, message, ...this as object, ...(cause && { cause }) };
  }
}

/** Sets the fields that have a value, so that a printed error has no empty fields. */
function setDefined(error: CredentialError, fields: Record<string, unknown>): void {
  for (const [name, value] of Object.entries(fields)) {
    if (value !== undefined) {
      Object.defineProperty(error, name, { value, enumerable: true, configurable: true });
    }
  }
}

/**
 * One invalid part of a value: where it is and what was expected, but nothing of the value itself.
 *
 * @category Errors
 */
export interface ValidationIssue {
  /** The path of the part, such as `"code"` or `"retry.limit"`; `""` for the value as a whole. */
  readonly path: string;
  /** The expectation, such as `"a non-empty string"`. */
  readonly expected: string;
}

/**
 * An argument or option is invalid, and nothing was sent. `issues` names what to fix. (If `auth`
 * fails after a 401, the request that was answered with the 401 had been sent.)
 *
 * @category Errors
 */
export class CredentialInputError extends CredentialError {
  /** The name of the class. */
  override get name(): string {
    return "CredentialInputError";
  }
  /** The kind of the error. */
  readonly code: "invalid_input" = "invalid_input";
  /** The invalid parts of the input, without their values. */
  declare readonly issues: readonly ValidationIssue[];

  /** Creates an error whose message lists the issues after `message`. */
  constructor(
    message: string,
    options: CredentialErrorOptions & { issues: readonly ValidationIssue[] },
  ) {
    super(`${message}: ${describeIssues(options.issues)}`, options);
  }
}

/** The expectation for an environment variable that has to be set. */
export const SET_VARIABLE = "a value";

/** Formats issues as one line: `"code": expected a non-empty string; SAASUS_API_KEY is not set`. */
export function describeIssues(issues: readonly ValidationIssue[]): string {
  return issues.map(({ path, expected }) =>
    expected === SET_VARIABLE
      ? `${path} is not set`
      : `${path === "" ? "" : `"${path}": `}expected ${expected}`
  ).join("; ");
}

/**
 * Options for {@linkcode CredentialApiError}.
 *
 * @category Errors
 */
export interface CredentialApiErrorOptions extends CredentialErrorOptions {
  /** The status code of the response. */
  status: number;
  /** The `type` of the error body. */
  type?: string | undefined;
  /** The `data` of the error body. */
  data?: Record<string, unknown> | undefined;
  /** The trace id of the response. */
  traceId?: string | undefined;
  /** The wait that the server requested, in ms. */
  retryAfter?: number | undefined;
}

/**
 * The service returned an error status.
 *
 * - 400 or 404: usually, the code or token is invalid, used or expired. Send the user to the login
 *   page.
 * - 401: the key, the secret or the bearer token is wrong.
 * - 429 or 5xx: wait for `retryAfter`, or for a while, before the next call.
 *
 * @category Errors
 */
export class CredentialApiError extends CredentialError {
  /** The name of the class. */
  override get name(): string {
    return "CredentialApiError";
  }
  /** The kind of the error. */
  readonly code: "api_error" = "api_error";
  /** The status code of the response. */
  declare readonly status: number;
  /** The `type` of the error body, such as `permission_denied`; absent if the response had none. */
  declare readonly type?: string;
  /** The `data` of the error body; absent if there was none, or none that is safe to log. */
  declare readonly data?: Record<string, unknown>;
  /** The `X-Saasus-Trace-Id` of the response, to give to the platform's support. */
  declare readonly traceId?: string;
  /** The wait before the next call that the server requested, in ms; absent if there was none. */
  declare readonly retryAfter?: number;

  /** Creates an error from a message and the parts of the response. */
  constructor(message: string, options: CredentialApiErrorOptions) {
    super(message, options);
  }
}

/**
 * The reason why there was no response. `reset` includes a connection that ended in the middle of a
 * response.
 *
 * @category Errors
 */
export type NetworkErrorReason = "refused" | "reset" | "dns" | "tls" | "other";

/**
 * No response was received. Unless the reason is `refused`, `dns` or `tls`, the service may have
 * processed the request.
 *
 * @category Errors
 */
export class CredentialNetworkError extends CredentialError {
  /** The name of the class. */
  override get name(): string {
    return "CredentialNetworkError";
  }
  /** The kind of the error. */
  readonly code: "network_error" = "network_error";
  /** The reason why there was no response, as far as the runtime reports it. */
  declare readonly reason: NetworkErrorReason;

  /** Creates an error from a message and the reason. */
  constructor(message: string, options: CredentialErrorOptions & { reason: NetworkErrorReason }) {
    super(message, options);
  }
}

/**
 * `timeout` or `totalTimeout` ran out. The service may have processed the request.
 *
 * @category Errors
 */
export class CredentialTimeoutError extends CredentialError {
  /** The name of the class. */
  override get name(): string {
    return "CredentialTimeoutError";
  }
  /** The kind of the error. */
  readonly code: "timeout" = "timeout";
  /** The time limit that ran out, in ms. */
  declare readonly timeout: number;

  /** Creates an error from a message and the time limit. */
  constructor(message: string, options: CredentialErrorOptions & { timeout: number }) {
    super(message, options);
  }
}

/**
 * Options for {@linkcode CredentialResponseError}.
 *
 * @category Errors
 */
export interface CredentialResponseErrorOptions extends CredentialErrorOptions {
  /** The status code of the response. */
  status: number;
  /** The invalid parts of the body. */
  issues?: readonly ValidationIssue[] | undefined;
  /** The trace id of the response. */
  traceId?: string | undefined;
}

/**
 * The response does not match the API: its body is not JSON, lacks a token or exceeds 1 MiB, or it
 * is a redirect, which is never followed. Usually `baseUrl` is wrong, or a proxy sent the response.
 *
 * @category Errors
 */
export class CredentialResponseError extends CredentialError {
  /** The name of the class. */
  override get name(): string {
    return "CredentialResponseError";
  }
  /** The kind of the error. */
  readonly code: "invalid_response" = "invalid_response";
  /** The status code of the response; 0 for a redirect in a browser, which hides it. */
  declare readonly status: number;
  /** The invalid parts of the body, without their values. */
  declare readonly issues?: readonly ValidationIssue[];
  /** The `X-Saasus-Trace-Id` of the response, to give to the platform's support. */
  declare readonly traceId?: string;

  /** Creates an error from a message and the parts of the response. */
  constructor(message: string, options: CredentialResponseErrorOptions) {
    super(message, options);
  }
}

/**
 * Nobody is signed in, or the session has no usable refresh token any more. Send the user to the
 * login page. `refresh()` also throws this error for a login without a refresh token, and
 * `signIn()` if a later sign-in or sign-out replaced it.
 *
 * @category Errors
 */
export class CredentialSessionError extends CredentialError {
  /** The name of the class. */
  override get name(): string {
    return "CredentialSessionError";
  }
  /** The kind of the error. */
  readonly code: "session_ended" = "session_ended";
}

/**
 * Any error of this package, discriminated by `code`.
 *
 * @category Errors
 */
export type AnyCredentialError =
  | CredentialInputError
  | CredentialApiError
  | CredentialNetworkError
  | CredentialTimeoutError
  | CredentialResponseError
  | CredentialSessionError;

/**
 * Checks whether a value is an error of this package, also of another copy of the package in the
 * same program.
 *
 * @param value Any value, such as a caught error.
 * @returns Whether the value is one of the error classes. A `switch` over `value.code` then narrows
 * it.
 *
 * @example Pass on all other errors
 * ```ts
 * import { isCredentialError } from "@saasus-sdk/credential";
 *
 * console.assert(!isCredentialError(new TypeError("something else")));
 * ```
 *
 * @category Errors
 */
export function isCredentialError(value: unknown): value is AnyCredentialError {
  try {
    return typeof value === "object" && value !== null && Reflect.get(value, BRAND) === true;
  } catch {
    // A proxy threw.
    return false;
  }
}
