import type { AnyCredentialError, CredentialSessionError } from "../errors.ts";
import type { AuthFlow, Credentials } from "../models.ts";

/**
 * Options for one call of a session.
 *
 * @category Session
 */
export interface SessionCallOptions {
  /**
   * Aborts the wait of this caller: the call rejects with the reason of the signal. A refresh under
   * way continues for all other callers.
   */
  signal?: AbortSignal | null | undefined;
}

/**
 * The part of a client that a session uses: a `CredentialClient`, or a stub in a test.
 *
 * @category Session
 */
export interface SessionClient {
  /** Exchanges a temporary code, or refreshes. The signal aborts when nobody needs the result. */
  getAuthCredentials(
    authFlow: AuthFlow,
    options?: { signal?: AbortSignal | undefined },
  ): Promise<Credentials>;
}

/**
 * Options for {@linkcode CredentialSession}. Only `client` is required.
 *
 * @category Session
 */
export interface CredentialSessionOptions {
  /** The client of the service: a `CredentialClient`. */
  client: SessionClient;
  /**
   * The storage of the credentials: `localStorage`, `sessionStorage`, or any `unstorage` driver
   * (Redis, Deno KV, Cloudflare KV, …). Sessions with the same store and `key` share one login:
   * tokens refreshed by one are adopted by the others, so that a rotated refresh token signs nobody
   * out, and a sign-out in one is noticed by the others when they read the store next.
   *
   * @default The memory of this session
   */
  store?: SessionStore | undefined;
  /**
   * The key in the store. On a server, use `CredentialSessions`, which has a key for each user.
   *
   * @default {"saasus-credentials"}
   */
  key?: string | undefined;
  /**
   * The credentials to start with, such as those of a test. They replace the login in the store,
   * unless that was issued later.
   */
  credentials?: Credentials | undefined;
  /**
   * The clock for expiry, in ms since the epoch. It may be hours off.
   *
   * @default {Date.now}
   */
  now?: (() => number) | undefined;
  /**
   * The time before expiry at which an ID token is refreshed, in ms; at most 90 % of its lifetime.
   *
   * @default 5 min, or 20 % of the lifetime if that is less
   */
  margin?: number | undefined;
  /**
   * The lock that keeps sessions with the same store from refreshing at the same time:
   * `navigator.locks`, or a function like its `request`. It also closes the gap in which a sign-out
   * elsewhere could be overwritten by a refresh. Without a lock, the session that loses a race
   * adopts the tokens of the winner.
   */
  lock?: SessionLock | SessionLockManager | undefined;
  /**
   * The longest wait for the lock, in ms. After it, the session continues without the lock, because
   * a frozen tab must not block the others for good.
   *
   * @default {5000}
   */
  lockTimeout?: number | undefined;
  /** A listener for all events, as for {@linkcode CredentialSession.prototype.onChange}. */
  onChange?: SessionListener | undefined;
  /**
   * The function with which `session.fetch` sends requests.
   *
   * @default {globalThis.fetch}
   */
  fetch?: ((input: string | URL | Request, init?: RequestInit) => Promise<Response>) | undefined;
  /**
   * The origins whose requests get the ID token, such as `https://app.example.com`. Requests to
   * other origins are sent without it.
   *
   * @default In a browser, the origin of the page; elsewhere `session.fetch` rejects
   */
  origins?: readonly string[] | undefined;
  /**
   * Decides whether a failed refresh ends the session. Return `false` for network errors and for a
   * status such as 401 or 503, because otherwise a faulty deployment would sign out every user.
   *
   * @default `true` for a `CredentialApiError` with status 400 or 404 only
   */
  endsSession?: ((error: AnyCredentialError) => boolean) | undefined;
  /**
   * Whether to load the login at once and refresh it ahead of expiry without a call, so that no
   * caller waits. The timer keeps no process alive, and ends at dispose. Correctness does not
   * depend on it.
   *
   * @default {false}
   */
  backgroundRefresh?: boolean | undefined;
}

/**
 * Options for {@linkcode CredentialSessions}: those of a session, except for `key` and
 * `credentials`.
 *
 * @category Session
 */
export interface CredentialSessionsOptions
  extends Omit<CredentialSessionOptions, "key" | "credentials" | "store"> {
  /** The store of all logins. */
  store: SessionStore;
  /**
   * The beginning of all keys in the store, before the id.
   *
   * @default {"saasus-session:"}
   */
  prefix?: string | undefined;
  /**
   * The age from which the last read of the store is repeated before a session returns a token, in
   * ms. A sign-out in another process is noticed within this time.
   *
   * @default {5_000}
   */
  recheck?: number | undefined;
  /**
   * The time until the store may drop a record that is not refreshed, in s. It is passed to
   * `setItem` as `{ ttl }`.
   */
  ttl?: number | undefined;
}

/**
 * A store for credentials: `localStorage`, `sessionStorage`, any `unstorage` driver, or your own
 * object. Each method may return a value or a promise. A call that takes longer than 5 s fails.
 * Errors of a store are never passed on: they may contain tokens.
 *
 * @category Session
 *
 * @example In a file
 * ```ts
 * import { readFile, rm, writeFile } from "node:fs/promises";
 * import type { SessionStore } from "@saasus-sdk/credential";
 *
 * const store: SessionStore = {
 *   getItem: (key) => readFile(`${key}.json`, "utf8").catch(() => null),
 *   setItem: (key, value) =>
 *     writeFile(`${key}.json`, value, { mode: 0o600 }),
 *   removeItem: (key) => rm(`${key}.json`, { force: true }),
 * };
 * ```
 */
export interface SessionStore {
  /**
   * Returns the text stored under a key, or its JSON value; `null` or `undefined` if there is none.
   */
  getItem(key: string): unknown;
  /**
   * Stores a text under a key. The third argument is passed only if there is a `ttl`: the time
   * until the store may drop the text, in s.
   */
  setItem(key: string, value: string, options?: { ttl?: number }): unknown;
  /** Removes the text stored under a key. */
  removeItem(key: string): unknown;
}

/**
 * A function that takes a lock, like `navigator.locks.request`: it calls back once the lock is
 * granted, and holds the lock until the returned promise has settled. `signal` aborts the wait. A
 * lock that hangs or fails is ignored.
 *
 * @category Session
 *
 * @example One refresh at a time in a process
 * ```ts
 * import type { SessionLock } from "@saasus-sdk/credential";
 *
 * const tails = new Map<string, Promise<void>>();
 * const lock: SessionLock = (name, { signal }, callback) => {
 *   const before = tails.get(name) ?? Promise.resolve();
 *   const mine = before.then(async () => {
 *     if (!signal.aborted) await callback();
 *   });
 *   tails.set(name, mine.catch(() => {}));
 *   return mine;
 * };
 * ```
 */
export type SessionLock = (
  name: string,
  options: { signal: AbortSignal },
  callback: () => Promise<void>,
) => unknown;

/**
 * An object with locks, such as `navigator.locks`.
 *
 * @category Session
 */
export interface SessionLockManager {
  /** Takes a lock. */
  request: SessionLock;
}

/**
 * An event of a session. It contains nothing secret.
 *
 * - `signed_in` and `signed_out`: here, or in another tab or process with the same store.
 * - `refreshed`: there are new tokens, from the service or from another session.
 * - `ended`: the session cannot be refreshed any more. Send the user to the login page. The `cause`
 *   of the error is that of the service; absent if there was no refresh token.
 *
 * @category Session
 */
export type SessionEvent =
  | { readonly type: "signed_in" | "refreshed" | "signed_out" }
  | { readonly type: "ended"; readonly error: CredentialSessionError };

/**
 * A listener for the events of a session. New tokens are reported once they are stored. The
 * listener is not awaited, its errors are ignored, and it may call any method of the session.
 *
 * @category Session
 */
export type SessionListener = (event: SessionEvent) => unknown;
