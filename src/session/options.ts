import type { AuthFlow } from "../models.ts";
import type { AnyCredentialError, CredentialSessionError } from "../errors.ts";
import type { Credentials } from "../models.ts";

/** What can be set for one call of a session. */
export interface SessionCallOptions {
  /**
   * Ends the wait at once: the call rejects with the signal's reason. What it waited for goes on for all others, so that the
   * first of many callers cannot take the refresh from the rest.
   */
  signal?: AbortSignal | null | undefined;
}

/** What a session needs of a client: a `CredentialClient` has it, and so has a stub in a test. */
export interface SessionClient {
  /** Exchanges a code, or refreshes. */
  getAuthCredentials(authFlow: AuthFlow, options?: SessionClientOptions): Promise<Credentials>;
}

/** What a session tells its client for one call. */
export interface SessionClientOptions {
  /** Ends the call, when its result is not wanted any more. */
  signal?: AbortSignal | undefined;
}

/** What a session is made of. */
export interface CredentialSessionOptions {
  /** Speaks to the service: a `CredentialClient`. */
  client: SessionClient;
  /**
   * Where the credentials are kept: `localStorage`, `sessionStorage`, or any `unstorage` driver (Redis, Deno KV, Cloudflare
   * KV, …). Sessions over one store and `key` are one login: where one of them has refreshed, the others take over what
   * it got, so that a rotated refresh token signs nobody out; where one of them has signed out, the others find their login
   * gone from the store at their next refresh, and are signed out as well.
   *
   * @default The memory of this session alone.
   */
  store?: SessionStore | undefined;
  /**
   * The name in the store. On a server each login needs one of its own, such as a random session id.
   *
   * @default {"saasus-credentials"}
   */
  key?: string | undefined;
  /**
   * What the session starts with, out of a cookie or a test. They take the place of what the store holds, unless that was
   * issued later: a cookie can be older than the last rotation.
   */
  credentials?: Credentials | undefined;
  /**
   * The clock that expiry is counted by, in ms since the epoch. It may be hours off.
   *
   * @default {Date.now}
   */
  now?: (() => number) | undefined;
  /**
   * How long ahead of its expiry an ID token is refreshed, in ms; at the most 90 % of its lifetime, since a margin as long as
   * the lifetime would refresh at every call.
   * Unless it is set: 5 min, or 20 % of the lifetime where that is less.
   */
  margin?: number | undefined;
  /**
   * Keeps those who share the store from refreshing at the same time: `navigator.locks`, or a function of the shape of its
   * `request`. Without one, the loser of such a race takes over what the winner has stored.
   */
  lock?: SessionLock | SessionLockManager | undefined;
  /**
   * How long to wait for the lock, in ms. The refresh then goes on without it, since a tab that was frozen, or a process that
   * died with the lock, must not block the others for good.
   *
   * @default {5000}
   */
  lockTimeout?: number | undefined;
  /** Told of every change; as {@linkcode CredentialSession.prototype.onChange} does. */
  onChange?: SessionListener | undefined;
  /**
   * What `session.fetch` sends with.
   *
   * @default {globalThis.fetch}
   */
  fetch?: ((input: string | URL | Request, init?: RequestInit) => Promise<Response>) | undefined;
  /**
   * The origins whose requests get the ID token, such as `https://app.example.com`. Requests to others go out without it.
   * Unless they are set: in a browser, the page's own origin; elsewhere `session.fetch` rejects.
   */
  origins?: readonly string[] | undefined;
  /**
   * Decides whether a failed refresh ends the session. A network fault, a 401 or a 503 must not: a bad deployment would
   * sign every user out.
   * Unless it is set: a `CredentialApiError` with the status 400 or 404 does, nothing else.
   */
  endsSession?: ((error: AnyCredentialError) => boolean) | undefined;
  /**
   * Whether to refresh ahead of expiry without being asked, so that no caller waits for it. The timer keeps no process
   * alive, and is gone after dispose. Nothing depends on it: validity is checked at every call anyway.
   *
   * @default {false}
   */
  backgroundRefresh?: boolean | undefined;
}

/**
 * Where a session keeps its credentials: `localStorage`, `sessionStorage`, any `unstorage` driver, or an object of your own.
 * Each method may return a value or a promise. A call that takes over 5 s fails.
 *
 * @example In a file
 * ```ts
 * import { readFile, rm, writeFile } from "node:fs/promises";
 * import type { SessionStore } from "@saasus-sdk/credential";
 *
 * const store: SessionStore = {
 *   getItem: (key) => readFile(`${key}.json`, "utf8").catch(() => null),
 *   setItem: (key, value) => writeFile(`${key}.json`, value, { mode: 0o600 }),
 *   removeItem: (key) => rm(`${key}.json`, { force: true }),
 * };
 * ```
 */
export interface SessionStore {
  /** Returns what is stored under a name: the text, or what it says as JSON; `null` or `undefined` for nothing. */
  getItem(key: string): unknown;
  /** Stores a text under a name, in the place of what was there. */
  setItem(key: string, value: string): unknown;
  /** Removes what is stored under a name. */
  removeItem(key: string): unknown;
}

/**
 * Takes a lock, as `navigator.locks.request` does: calls back once it is granted, and holds it until the promise that the
 * callback returns has settled. `signal` ends the wait for it.
 *
 * A lock is not needed to keep a login: it spares the requests of those who would lose the race. One that hangs or fails is
 * done without.
 *
 * @example One refresh at a time for the sessions of a process
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
  options: SessionLockOptions,
  callback: () => Promise<void>,
) => unknown;

/** What a lock is asked for with. */
export interface SessionLockOptions {
  /** Ends the wait for the lock. */
  signal: AbortSignal;
}

/** What has locks to take, as `navigator.locks` does. */
export interface SessionLockManager {
  /** Takes a lock. */
  request(name: string, options: SessionLockOptions, callback: () => Promise<void>): unknown;
}

/** What a listener is told. Nothing in it is secret. */
export type SessionEvent = SessionChange | SessionEnd;

/** What can happen to a session. */
export type SessionEventType = SessionEvent["type"];

/** A change of a session that goes on, or that somebody has ended on purpose. */
export interface SessionChange {
  /** What has happened. */
  readonly type:
    /** Somebody has signed in, here or, after the session was seen to be over, in another tab or process. */
    | "signed_in"
    /** There are new tokens, from a refresh here or from another who shares the store. */
    | "refreshed"
    /** Somebody has signed out, here or in another tab or process that shares the store. */
    | "signed_out";
}

/** The session is over: send the user to the login page. */
export interface SessionEnd {
  /** What has happened. */
  readonly type: "ended";
  /** Why: its `cause` is the service's answer, absent where the ID token has expired and there was no refresh token. */
  readonly error: CredentialSessionError;
}

/**
 * Told of every change of a session, after it was made: of new tokens once they are stored, of an end at once.
 *
 * Nobody waits for it, and what it throws is dropped, so that a listener that hangs or fails holds up no refresh; it may
 * call any method of the session.
 */
export type SessionListener = (event: SessionEvent) => unknown;
