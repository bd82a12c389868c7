import type { RequestAuth } from "../auth/request_auth.ts";
import type { AnyCredentialError, Operation } from "../errors.ts";

/**
 * Options for retries. Each delay is random between zero and `delay` doubled for every further
 * attempt ("full jitter").
 *
 * @category Client
 */
export interface RetryOptions {
  /**
   * The maximum number of retries.
   *
   * @default {2}
   */
  limit?: number | undefined;
  /**
   * The base of the exponential backoff, in ms.
   *
   * @default {300}
   */
  delay?: number | undefined;
  /**
   * The longest delay of the backoff, in ms. It does not limit a server's `Retry-After`.
   *
   * @default {2000}
   */
  maxDelay?: number | undefined;
}

/**
 * Options for all calls of a client, or for one call.
 *
 * @category Client
 */
export interface CallOptions {
  /**
   * The time limit of one attempt, in ms, including `auth`, the response body and `onResponse`.
   *
   * @default {5000}
   */
  timeout?: number | undefined;
  /**
   * The time limit of the whole call, in ms, including all attempts, delays and hooks. The default
   * is 10,000 for the exchange of a temporary code, which expires then, and 30,000 for all other
   * calls.
   */
  totalTimeout?: number | undefined;
  /** Options for retries after a temporary error, or `false` to disable them. */
  retry?: RetryOptions | false | undefined;
  /**
   * Additional headers. The headers of a call are merged with those of the client. For
   * `Authorization`, use `auth`.
   */
  headers?:
    | Headers
    | Readonly<Record<string, string>>
    | readonly (readonly [string, string])[]
    | undefined;
  /**
   * The page that the call is made for, usually the `Referer` of the incoming request. Its query
   * and fragment are not sent, because the query of a callback contains a code. `null` removes the
   * value of the client. A browser does not let a page set this header, so there it is an input
   * error; use `saasusReferer`.
   */
  referer?: string | null | undefined;
  /**
   * The page that the call is made for, sent as `X-SaaSus-Referer` without query and fragment.
   * `null` removes it.
   */
  saasusReferer?: string | null | undefined;
  /**
   * The trace id for the service to continue, `X-Saasus-Trace-Id`, in visible ASCII. `null` removes
   * it.
   */
  traceId?: string | null | undefined;
}

/**
 * Options for one call.
 *
 * @category Client
 */
export interface RequestOptions extends CallOptions {
  /** A signal that aborts the call. The call rejects with its reason. */
  signal?: AbortSignal | null | undefined;
  /** The authorization of this call, instead of the client's. */
  auth?: RequestAuth | undefined;
}

/**
 * A response of the API with its data.
 *
 * @category Client
 */
export interface ApiResponse<T> {
  /** The validated body. */
  readonly data: T;
  /** The status code. */
  readonly status: number;
  /** The headers. */
  readonly headers: Headers;
  /** The `X-Saasus-Trace-Id` of the response, to give to the platform's support. */
  readonly traceId?: string;
  /** The number of retries. */
  readonly retryCount: number;
}

/**
 * The argument of `onRetry`. It contains no secrets.
 *
 * @category Client
 */
export interface RetryEvent {
  /** The operation. */
  readonly operation: Operation;
  /** The number of the failed attempt, counted from 1. */
  readonly attempt: number;
  /** The delay before the next attempt, in ms. It has already passed. */
  readonly delay: number;
  /** The error of the failed attempt. */
  readonly error: AnyCredentialError;
}

/**
 * The argument of `onResponse`. It contains no secrets.
 *
 * @category Client
 */
export interface ResponseEvent {
  /** The operation. */
  readonly operation: Operation;
  /**
   * The number of the attempt, counted from 1. An attempt that renewed a rejected authorization has
   * two responses.
   */
  readonly attempt: number;
  /** The status code of the response. */
  readonly status: number;
  /** The time from the request to the end of the response, in ms. */
  readonly duration: number;
  /** The `X-Saasus-Trace-Id` of the response. */
  readonly traceId?: string;
}

/**
 * Options for `CredentialClient`, with the defaults for all its calls.
 *
 * @example Set a timeout, and log retries
 * ```ts
 * import { bearerAuth, CredentialClient } from "@saasus-sdk/credential";
 *
 * const client = new CredentialClient({
 *   auth: bearerAuth("token"),
 *   timeout: 2_000,
 *   retry: { limit: 1 },
 *   onRetry: ({ attempt, error }) => console.warn(attempt, error.message),
 * });
 * ```
 *
 * @category Client
 */
export interface CredentialClientOptions extends CallOptions {
  /**
   * The authorization of all requests: `bearerAuth`, `signatureAuth`, or a function of your own.
   */
  auth: RequestAuth;
  /**
   * The base URL of the API: `https:`, or `http:` on a loopback host. `/credentials` is appended.
   *
   * @default {"https://api.saasus.io/v1/auth"}
   */
  baseUrl?: string | undefined;
  /**
   * The function that sends requests, for proxies, TLS settings and tests.
   *
   * @default {globalThis.fetch}
   */
  fetch?: ((input: string | URL | Request, init?: RequestInit) => Promise<Response>) | undefined;
  /**
   * The clock for signatures, in ms since the epoch.
   *
   * @default {Date.now}
   */
  now?: (() => number) | undefined;
  /**
   * A function that is called and awaited before each retry. Its error rejects the call unchanged.
   */
  onRetry?: ((event: RetryEvent) => unknown) | undefined;
  /**
   * A function that is called and awaited after each response. Its error rejects the call
   * unchanged. If it exceeds `timeout`, the call rejects and is not retried.
   */
  onResponse?: ((event: ResponseEvent) => unknown) | undefined;
}

/**
 * Options for `CredentialClient.fromEnv`.
 *
 * @category Client
 */
export interface FromEnvOptions extends Omit<CredentialClientOptions, "auth"> {
  /**
   * The variables to read.
   *
   * @default {process.env}
   */
  env?: Readonly<Record<string, string | undefined>> | undefined;
}
