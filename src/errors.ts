import type {
  CredentialApiErrorOptions,
  CredentialErrorCode,
  CredentialErrorOptions,
  CredentialInputErrorOptions,
  CredentialNetworkErrorOptions,
  CredentialResponseErrorOptions,
  CredentialTimeoutErrorOptions,
  NetworkErrorReason,
  Operation,
} from "./error_options.ts";
import type { ValidationIssue } from "./validation.ts";

/**
 * The base of all errors of this package. Nothing in one is secret, so that it can be logged as it is: no token, code,
 * signature or URL of a request is in its message, its fields, its stack or its causes. Of what the server sends, `type`,
 * `data` and `traceId` are passed on, unless they repeat a secret.
 *
 * @example Tell the errors apart
 * ```ts
 * import { bearerAuth, CredentialClient, isCredentialError } from "@saasus-sdk/credential";
 *
 * const client = new CredentialClient({ auth: bearerAuth("token"), baseUrl: "http://localhost:59999" });
 * try {
 *   await client.getAuthCredentials({ code: "69e732d6-8ecc-45c4-c2eb-8438f7ffe775" }, { retry: false });
 * } catch (error) {
 *   if (!isCredentialError(error)) throw error;
 *   switch (error.code) {
 *     case "api_error":
 *       console.log(error.status, error.type, error.traceId);
 *       break;
 *     case "network_error":
 *       console.log(error.reason); // such as "refused"
 *       break;
 *     default:
 *       console.log(error.message);
 *   }
 * }
 * ```
 */
export abstract class CredentialError extends Error {
  /** Which kind of error this is. */
  abstract readonly code: CredentialErrorCode;
  /** The operation that failed; absent where none had begun. */
  declare readonly operation?: Operation;
  /** The failure behind this one: of an earlier attempt, or of the refresh that ended a session. */
  declare readonly cause?: CredentialError;
  /** How often the call had been retried when it failed. */
  readonly retryCount: number;

  /** Makes an error of a message and what is known of the call. */
  constructor(message: string, options: CredentialErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.retryCount = options.retryCount ?? 0;
    setDefined(this, { operation: options.operation });
  }

  /** All that the error tells, for logs that are written as JSON. */
  toJSON(): Record<string, unknown> {
    const { name, message, cause } = this;
    return { name, message, ...fieldsOf(this), ...(cause === undefined ? {} : { cause }) };
  }
}

function fieldsOf(error: CredentialError): Record<string, unknown> {
  return { ...error };
}

/** Sets the fields that have a value, so that an error that is printed shows no empty ones. */
function setDefined(error: CredentialError, fields: Record<string, unknown>): void {
  for (const [name, value] of Object.entries(fields)) {
    if (value !== undefined) {
      Object.defineProperty(error, name, { value, enumerable: true, configurable: true });
    }
  }
}

/** An argument or a setting is wrong: mend what `issues` names. Nothing was sent, unless it is `auth` that failed after a 401. */
export class CredentialInputError extends CredentialError {
  /** The name of the class. */
  override get name(): string {
    return "CredentialInputError";
  }
  /** Tells this error from the others. */
  readonly code: "invalid_input" = "invalid_input";
  /** What is wrong, and where; nothing of the values themselves. */
  readonly issues: readonly ValidationIssue[];

  /** Makes an error whose message lists the issues behind `message`. */
  constructor(message: string, options: CredentialInputErrorOptions) {
    super(`${message}: ${describeIssues(options.issues)}`, options);
    this.issues = options.issues;
  }
}

/** One line for all issues: `"code": expected a non-empty string; "authFlow": expected …`. */
export function describeIssues(issues: readonly ValidationIssue[]): string {
  return issues
    .map(({ path, expected }) => `${path === "" ? "" : `"${path}": `}expected ${expected}`)
    .join("; ");
}

/**
 * The service answered, and said no. 400 and 404: usually the code or token is wrong, used or expired: sign in again. 401: the
 * key, the secret or the bearer token is wrong. 429 and 5xx: wait for `retryAfter`, or a while.
 */
export class CredentialApiError extends CredentialError {
  /** The name of the class. */
  override get name(): string {
    return "CredentialApiError";
  }
  /** Tells this error from the others. */
  readonly code: "api_error" = "api_error";
  /** The status code of the answer. */
  readonly status: number;
  /** The machine word of the error body, such as `permission_denied`; absent where the answer had none. */
  declare readonly type?: string;
  /** The `data` of the error body; absent where it had none, was too long, or repeated a secret of the call. */
  declare readonly data?: Record<string, unknown>;
  /** The `X-Saasus-Trace-Id` of the answer: what to tell the platform's support. */
  declare readonly traceId?: string;
  /** How long the server asks to wait before the next call, in ms; absent where it did not ask. */
  declare readonly retryAfter?: number;

  /** Makes an error of a message and what the answer told. */
  constructor(message: string, options: CredentialApiErrorOptions) {
    super(message, options);
    this.status = options.status;
    const { type, data, traceId, retryAfter } = options;
    setDefined(this, { type, data, traceId, retryAfter });
  }
}

/** No answer came. With any reason but `refused`, `dns` and `tls` the service may have acted on the request. */
export class CredentialNetworkError extends CredentialError {
  /** The name of the class. */
  override get name(): string {
    return "CredentialNetworkError";
  }
  /** Tells this error from the others. */
  readonly code: "network_error" = "network_error";
  /** Why there was no answer, as far as the runtime tells. */
  readonly reason: NetworkErrorReason;

  /** Makes an error of a message and the reason. */
  constructor(message: string, options: CredentialNetworkErrorOptions) {
    super(message, options);
    this.reason = options.reason;
  }
}

/** `timeout` or `totalTimeout` ran out. The service may have acted on the request. */
export class CredentialTimeoutError extends CredentialError {
  /** The name of the class. */
  override get name(): string {
    return "CredentialTimeoutError";
  }
  /** Tells this error from the others. */
  readonly code: "timeout" = "timeout";
  /** The limit that ran out, in ms. */
  readonly timeout: number;

  /** Makes an error of a message and the limit. */
  constructor(message: string, options: CredentialTimeoutErrorOptions) {
    super(message, options);
    this.timeout = options.timeout;
  }
}

/**
 * The answer is not what the API promises: a body that is not JSON, lacks a token or is longer than 1 MiB, or a redirect,
 * which is never followed. Usually `baseUrl` points at something else, or a proxy answered.
 */
export class CredentialResponseError extends CredentialError {
  /** The name of the class. */
  override get name(): string {
    return "CredentialResponseError";
  }
  /** Tells this error from the others. */
  readonly code: "invalid_response" = "invalid_response";
  /** The status code of the answer; 0 for a redirect in a browser, which does not show it. */
  readonly status: number;
  /** What is wrong with the body, and where; nothing of the values themselves. */
  declare readonly issues?: readonly ValidationIssue[];
  /** The `X-Saasus-Trace-Id` of the answer: what to tell the platform's support. */
  declare readonly traceId?: string;

  /** Makes an error of a message and what is wrong with the answer. */
  constructor(message: string, options: CredentialResponseErrorOptions) {
    super(message, options);
    this.status = options.status;
    const { issues, traceId } = options;
    setDefined(this, { issues, traceId });
  }
}

/**
 * The session has no usable refresh token any more, or nobody is signed in: send the user to the login page. `refresh()`
 * throws it as well for a login without a refresh token, and `signIn()` if another sign-in or a sign-out has overtaken it.
 */
export class CredentialSessionError extends CredentialError {
  /** The name of the class. */
  override get name(): string {
    return "CredentialSessionError";
  }
  /** Tells this error from the others. */
  readonly code: "session_ended" = "session_ended";
}

/** Any error of this package, told apart by `code`. */
export type AnyCredentialError =
  | CredentialInputError
  | CredentialApiError
  | CredentialNetworkError
  | CredentialTimeoutError
  | CredentialResponseError
  | CredentialSessionError;

/**
 * Tells whether something that was caught is an error of this package.
 *
 * @param value Anything.
 * @returns Whether a `switch` over `value.code` can tell what happened.
 *
 * @example Let everything else pass
 * ```ts
 * import { isCredentialError } from "@saasus-sdk/credential";
 *
 * console.assert(!isCredentialError(new TypeError("something else")));
 * ```
 */
export function isCredentialError(value: unknown): value is AnyCredentialError {
  return value instanceof CredentialError;
}
