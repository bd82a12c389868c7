import type { Operation } from "../errors.ts";
import type { AnyCredentialError } from "../errors.ts";
import type { RequestAuth } from "../auth/request_auth.ts";

/** How a call is repeated. Each wait is drawn evenly from zero to `delay` doubled for every attempt made ("full jitter"). */
export interface RetryOptions {
  /**
   * How often a call is repeated at the most.
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
   * The longest wait that the backoff comes to, in ms. A server's `Retry-After` is not bound by it.
   *
   * @default {2000}
   */
  maxDelay?: number | undefined;
}

/** What can be set for all calls of a client, and for each call anew. */
export interface CallOptions {
  /**
   * How long one attempt may take, in ms, from asking `auth` to the end of the answer.
   *
   * @default {5000}
   */
  timeout?: number | undefined;
  /**
   * How long the whole call may take, in ms, with all attempts, waits and hooks. Unless it is set: 10,000 for the exchange
   * of a temporary code, which is dead by then, and 30,000 else.
   */
  totalTimeout?: number | undefined;
  /** How the call is repeated when it fails in a way that may pass; `false`: not at all. */
  retry?: RetryOptions | false | undefined;
  /** Further headers. Those of a call are added to those of its client. `Authorization` is what `auth` is for. */
  headers?:
    | Headers
    | Readonly<Record<string, string>>
    | readonly (readonly [string, string])[]
    | undefined;
  /**
   * The page that the call is made for, as the incoming request's `Referer` names it. Only what is before `?` and `#` is
   * passed on, since the query of a callback holds a code. `null`: none.
   */
  referer?: string | null | undefined;
  /** The same for `X-SaaSus-Referer`. */
  saasusReferer?: string | null | undefined;
  /** A trace id that the service is to go on with, `X-Saasus-Trace-Id`: visible ASCII. `null`: none. */
  traceId?: string | null | undefined;
}

/** What can be set for one call. */
export interface RequestOptions extends CallOptions {
  /** Ends the call at once, at any point of it: it rejects with the signal's reason. */
  signal?: AbortSignal | null | undefined;
  /** Authorizes this call in place of the client's `auth`. */
  auth?: RequestAuth | undefined;
}

/** What `onRetry` is told. Nothing in it is secret. */
export interface RetryEvent {
  /** The operation that is tried again. */
  readonly operation: Operation;
  /** The attempt that failed, counted from 1. */
  readonly attempt: number;
  /** How long the call has waited before it tries again, in ms. */
  readonly delay: number;
  /** Why the attempt failed. */
  readonly error: AnyCredentialError;
}

/** What `onResponse` is told. Nothing in it is secret. */
export interface ResponseEvent {
  /** The operation that was answered. */
  readonly operation: Operation;
  /** The attempt that was answered, counted from 1. One that renewed a rejected authorization is answered twice. */
  readonly attempt: number;
  /** The status code of the answer. */
  readonly status: number;
  /** How long the answer took to its end, in ms. */
  readonly duration: number;
  /** The `X-Saasus-Trace-Id` of the answer. */
  readonly traceId?: string;
}

/**
 * What a client is made of: `auth`, settings, and the defaults of {@linkcode CallOptions} for all its calls.
 *
 * @example A client with settings of its own
 * ```ts
 * import { bearerAuth, CredentialClient } from "@saasus-sdk/credential";
 *
 * const client = new CredentialClient({
 *   auth: bearerAuth("token"),
 *   timeout: 2_000,
 *   retry: { limit: 1 },
 *   onRetry: ({ attempt, delay, error }) => console.warn(attempt, delay, error.message),
 * });
 * ```
 */
export interface CredentialClientOptions extends CallOptions {
  /** Authorizes the requests: `bearerAuth`, `signatureAuth`, or a function of your own. */
  auth: RequestAuth;
  /**
   * Where the service runs: `https:`, or `http:` on a loopback host. `/credentials` is added to it.
   *
   * @default {"https://api.saasus.io/v1/auth"}
   */
  baseUrl?: string | undefined;
  /**
   * What sends requests, for proxies, TLS settings and tests.
   *
   * @default {globalThis.fetch}
   */
  fetch?: ((input: string | URL | Request, init?: RequestInit) => Promise<Response>) | undefined;
  /**
   * The clock that requests are signed by, in ms since the epoch.
   *
   * @default {Date.now}
   */
  now?: (() => number) | undefined;
  /** Told before each retry. What it throws rejects the call as it is. */
  onRetry?: ((event: RetryEvent) => unknown) | undefined;
  /** Told of each answer. What it throws rejects the call as it is; its time counts for `totalTimeout` alone. */
  onResponse?: ((event: ResponseEvent) => unknown) | undefined;
}

/** What a client from the environment's variables is made of besides them. */
export interface FromEnvOptions extends Omit<CredentialClientOptions, "auth"> {
  /**
   * The variables, in place of the process's own.
   *
   * @default {process.env}
   */
  env?: Readonly<Record<string, string | undefined>> | undefined;
}
