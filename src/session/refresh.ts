import { type AnyCredentialError, CredentialSessionError, isCredentialError } from "../errors.ts";
import type { Credentials } from "../models.ts";
import { type HeldCredentials, isFresh, isValid, keyOf, received } from "./held.ts";
import { underLock } from "./lock.ts";
import type { SessionClient, SessionLock, SessionLockManager } from "./options.ts";
import { FailurePause } from "./pause.ts";
import type { SessionState } from "./state.ts";
import { abortable } from "../async.ts";

/** Whether credentials that were found in the store make a refresh needless. */
export type IsEnough = (held: HeldCredentials) => boolean;

/** What a {@linkcode Refresher} is made of. */
export interface RefresherOptions {
  /** Speaks to the service. */
  readonly client: SessionClient;
  /** What is refreshed. */
  readonly state: SessionState;
  /** The local clock, in ms. */
  readonly now: () => number;
  /** How long ahead of its expiry an ID token is due for a refresh, in ms. */
  readonly margin: number | undefined;
  /** The name in the store, and of the lock. */
  readonly key: string;
  /** Keeps others who share the store from refreshing. */
  readonly lock: SessionLock | SessionLockManager | undefined;
  /** How long to wait for the lock, in ms. */
  readonly lockTimeout: number;
  /** Decides whether a failure ends the session. */
  readonly endsSession: (error: AnyCredentialError) => boolean;
}

interface Answer {
  readonly credentials: Credentials;
}

interface Rejection {
  readonly rejection: AnyCredentialError;
}

/** A refresh that is under way. */
interface Flight {
  readonly era: AbortSignal;
  readonly result: Promise<HeldCredentials>;
  /** Whether the service is asked, and not only the store. */
  isSent: boolean;
}

/** Refreshes, one at a time for all who ask, and not again too soon after a failure. */
export class Refresher {
  readonly #options: RefresherOptions;
  readonly #pause: FailurePause;
  #flight: Flight | undefined;

  /** Makes a refresher. */
  constructor(options: RefresherOptions) {
    this.#options = options;
    this.#pause = new FailurePause(options.now);
  }

  /**
   * Refreshes credentials, or waits for the refresh that is under way. It belongs to nobody who waits for it.
   *
   * Rejects with {@linkcode CredentialSessionError} if the session is over, `Superseded` if there is another by now, and
   * else with what the client, the store or `endsSession` threw; after a failure, for a while, with the same again.
   */
  async refresh(held: HeldCredentials, isEnough: IsEnough): Promise<HeldCredentials> {
    const { era } = this.#options.state;
    const current = this.#flight;
    if (current?.era === era) {
      const result = await current.result;
      // What was found in the store may be enough for another caller, and not for this one.
      return current.isSent || isEnough(result) ? result : await this.refresh(result, isEnough);
    }
    const failure = this.#pause.failureOf(keyOf(held));
    if (failure !== undefined) throw failure.error;
    const result = abortable(this.#run(era, isEnough), era);
    const flight = this.#flight = { era, result, isSent: false };
    try {
      return await result;
    } finally {
      if (this.#flight === flight) this.#flight = undefined;
    }
  }

  async #run(signal: AbortSignal, isEnough: IsEnough): Promise<HeldCredentials> {
    const { lock, lockTimeout: timeout, key: name } = this.#options;
    if (lock === undefined) return await this.#attempt(isEnough, false);
    return await underLock(
      { lock, name, timeout, signal },
      (isLocked) => this.#attempt(isEnough, isLocked),
    );
  }

  /** Refreshes what the store holds now, since another may have refreshed meanwhile, and its token is the one that counts. */
  async #attempt(isEnough: IsEnough, isLocked: boolean): Promise<HeldCredentials> {
    const { state, now, margin } = this.#options;
    const { era } = state;
    const held = await state.reread();
    if (isEnough(held)) return held;
    const refreshToken = held.credentials.refresh_token;
    if (refreshToken === undefined) throw await this.#withoutRefreshToken(held);
    const answer = await this.#request(refreshToken, era, held);
    era.throwIfAborted();
    if ("rejection" in answer) {
      // The loser of a rotation race is not signed out: it goes on with what the winner has stored.
      if (await state.isReplaced(held, isLocked)) {
        return await this.#attempt((next) => isFresh(next, now()), isLocked);
      }
      throw await state.end(held, answer.rejection);
    }
    this.#pause.end();
    const next = received(
      answer.credentials,
      { receivedAt: now(), origin: "refresh", margin, refreshToken },
    );
    return await state.refreshed(next, held);
  }

  async #request(
    refreshToken: string,
    signal: AbortSignal,
    held: HeldCredentials,
  ): Promise<Answer | Rejection> {
    const { client, endsSession } = this.#options;
    if (this.#flight?.era === signal) this.#flight.isSent = true;
    const flow = { authFlow: "refreshTokenAuth", refreshToken } as const;
    try {
      return { credentials: await client.getAuthCredentials(flow, { signal }) };
    } catch (error) {
      signal.throwIfAborted();
      this.#pause.begin(keyOf(held), error);
      if (isCredentialError(error) && endsSession(error)) return { rejection: error };
      throw error;
    }
  }

  /** A login without a refresh token lasts as long as its ID token. */
  async #withoutRefreshToken(held: HeldCredentials): Promise<CredentialSessionError> {
    const { state, now } = this.#options;
    return isValid(held, now())
      ? new CredentialSessionError("Cannot refresh the session: it has no refresh token")
      : await state.end(held);
  }
}
