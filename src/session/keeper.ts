import { abortable, deadline, delay } from "../async.ts";
import { type AnyCredentialError, CredentialSessionError, isCredentialError } from "../errors.ts";
import type { Credentials } from "../models.ts";
import { underLock } from "./lock.ts";
import {
  EndedLogins,
  isFresh,
  isIssuedLater,
  isValid,
  keyOf,
  type Login,
  receivedLogin,
} from "./login_tokens.ts";
import type { SessionEvent } from "./options.ts";
import { FailurePause } from "./pause.ts";
import type { SessionSettings } from "./settings.ts";
import type { StoreEntry } from "./store.ts";

/** Options for {@linkcode LoginKeeper}. */
export interface LoginKeeperOptions {
  /** The settings of the session. */
  readonly settings: SessionSettings;
  /** The entry in the store. */
  readonly entry: StoreEntry;
  /** Called with each event. */
  readonly emit: (event: SessionEvent) => void;
  /** Called when the login has changed. */
  readonly onChange: () => void;
}

/** The signal of a caller; `null` as in `fetch`. */
export type CallerSignal = AbortSignal | null | undefined;

/** Checks whether a login is enough for a caller, so that no refresh is needed. */
export type IsEnough = (login: Login) => boolean;

/** The result of a flight. */
interface Landing {
  readonly login: Login;
  /** Whether the login is new from the service, and not only read from the store. */
  readonly isNew: boolean;
}

/** A login that is not in the store yet. */
interface UnsavedLogin {
  readonly login: Login;
  /** The event to emit once the login is stored; absent for credentials given by the application. */
  readonly type?: "signed_in" | "refreshed";
}

/** The abort reason of a generation that a sign-in or sign-out has ended. It never reaches a caller. */
const SUPERSEDED: unique symbol = Symbol("superseded");

const NOBODY = "nobody is signed in; call signIn() with the code of a login";

/**
 * The waits before the store is read for the tokens of another process that has refreshed first, in ms. That process may
 * still be about to store them.
 */
const WINNER_WAITS: readonly number[] = [0, 50, 100, 200, 400];

/** The longest time that a store delays a caller whose token is valid, in ms. */
const RECHECK_TIMEOUT = 1_000;

/**
 * Keeps one login: in memory, in the store, and fresh.
 *
 * There are two slots. *Held* is in the store, and the only login that is handed out. *Unsaved* is newer, and on its way
 * to the store; if that fails, the next flight tries again.
 *
 * ```text
 *                    read from the store
 *        ┌────────────────────────────────────────────┐
 *        │                                            ▼
 *     NOTHING ──signIn(), given──▶ UNSAVED ──stored──▶ HELD ──read: newer there──▶ HELD
 *        ▲                           ▲  │              │ │
 *        │                           │  │ store fails: │ │
 *        │                           └──┘ held stays   │ │
 *        │                           ▲                 │ │
 *        │                           └────refreshed────┘ │
 *        └──signOut(), read: removed elsewhere, rejected─┘
 * ```
 *
 * All loading, refreshing and storing is done in one *flight* at a time, for all callers: read the store; store what is
 * unsaved; if that is not enough, refresh. A refresh reads the store once more before it stores, because another process
 * may have refreshed, signed in or signed out meanwhile, and the store decides.
 *
 * A sign-in or sign-out ends the *generation*: it aborts the flight, and whatever is still under way changes nothing any
 * more. When a sign-out, a refresh and a failing store meet, the sign-out therefore wins at once in memory; the removal from
 * the store waits for a write under way; and if the removal fails, the record is remembered as ended and ignored.
 */
export class LoginKeeper {
  readonly #options: LoginKeeperOptions;
  readonly #pause: FailurePause;
  readonly #ended = new EndedLogins();
  #held: Login | undefined;
  #unsaved: UnsavedLogin | undefined;
  #flight: Promise<Landing> | undefined;
  /** The number of sign-ins and sign-outs that have begun. */
  #begun = 0;
  #generation = { number: 0, controller: new AbortController() };
  /** The reason why nobody is signed in; `undefined` before the first read. */
  #absence: string | undefined;
  /** Whether the store was seen to hold a record, so that a missing one was removed by somebody. */
  #isStored = false;
  /** The time of the last attempt to read or write the store. */
  #checkedAt = -Infinity;

  /** Creates a keeper. Nothing is read yet. */
  constructor(options: LoginKeeperOptions) {
    const { credentials, now, margin } = options.settings;
    this.#options = options;
    this.#pause = new FailurePause(now);
    this.#unsaved = credentials && {
      login: receivedLogin(credentials, { receivedAt: now(), source: "given", margin }),
    };
  }

  /** The login, if it is in the store and its ID token needs no refresh. */
  get fresh(): Login | undefined {
    const held = this.held;
    if (held === undefined) return undefined;
    const { now, recheck } = this.#options.settings;
    const time = now();
    return isFresh(held, time) && this.#isChecked(time, recheck) ? held : undefined;
  }

  /** The login, if it is in the store. */
  get held(): Login | undefined {
    return this.#unsaved === undefined ? this.#held : undefined;
  }

  /** The time at which the next refresh is due; `Infinity` if there is none to wait for. */
  get dueAt(): number {
    return this.#unsaved === undefined ? this.#held?.freshUntil ?? Infinity : -Infinity;
  }

  /** Whether there is a login, in memory or in a store that can be read synchronously. */
  get isSignedIn(): boolean {
    if (!this.#held && !this.#unsaved) this.#adopt(this.#options.entry.peek());
    return (this.#unsaved?.login ?? this.#held) !== undefined;
  }

  /** Returns a login with a valid ID token: refreshed if it is due, or as it is if the refresh fails while it is valid. */
  async current(signal: CallerSignal): Promise<Login> {
    signal?.throwIfAborted();
    const { fresh } = this;
    if (fresh !== undefined) return fresh;
    const { now } = this.#options.settings;
    const renewal = this.renewed(this.#isFresh, signal);
    try {
      const isRecheck = this.held !== undefined && this.#isFresh(this.held);
      return await (isRecheck ? deadline(renewal, RECHECK_TIMEOUT) : renewal);
    } catch (thrown) {
      signal?.throwIfAborted();
      if (this.#held === undefined || !isValid(this.#held, now())) throw thrown;
      this.#checkedAt = now();
      return this.#held;
    }
  }

  /** Returns a login that is enough, from the store or the service. */
  async renewed(isEnough: IsEnough, signal: CallerSignal): Promise<Login> {
    for (;;) {
      signal?.throwIfAborted();
      try {
        const flight = this.#flight ??
          this.#fly((generation) => this.#course(isEnough, generation));
        const { login, isNew } = await abortable(flight, signal);
        if (isNew || isEnough(login)) return login;
      } catch (thrown) {
        if (thrown !== SUPERSEDED) throw thrown;
        // The result of the sign-in or sign-out counts.
        isEnough = this.#isFresh;
      }
    }
  }

  /**
   * Signs in with the login that a function returns. Of sign-ins and sign-outs that overlap, the one that began last wins.
   */
  async signIn(exchange: () => Promise<Login>): Promise<Login> {
    const number = ++this.#begun;
    const login = await exchange();
    try {
      if (number < this.#generation.number) throw SUPERSEDED;
      this.#supersede(number);
      this.#ended.restart(login);
      await this.#replace({ login, type: "signed_in" });
      return login;
    } catch (thrown) {
      if (thrown !== SUPERSEDED) throw thrown;
      throw new CredentialSessionError(
        "Cannot sign in: replaced by a later sign-in or sign-out",
      );
    }
  }

  /** Forgets the login at once, and removes it from the store. */
  async signOut(): Promise<void> {
    const { settings, entry, emit } = this.#options;
    this.#supersede(++this.#begun);
    this.#isStored = false;
    this.#absence = "it was signed out; call signIn() with the code of a login";
    // Until the record is removed, this covers a login that this session has never read.
    this.#ended.addAllUntil(settings.now());
    emit({ type: "signed_out" });
    try {
      const { signal } = this.#generation.controller;
      await this.#counted(this.#locked(signal, () => entry.remove()));
      this.#ended.restart();
    } catch (thrown) {
      // A later sign-in replaces the record, or a later sign-out removes it.
      if (thrown !== SUPERSEDED) throw thrown;
    }
  }

  readonly #isFresh: IsEnough = (login) => isFresh(login, this.#options.settings.now());

  #isChecked(time: number, recheck: number): boolean {
    // A clock that was set back must not postpone the next read for hours.
    return recheck === Infinity || Math.abs(time - this.#checkedAt) < recheck;
  }

  #fly(course: (generation: AbortSignal) => Promise<Landing>): Promise<Landing> {
    const { signal } = this.#generation.controller;
    const flight = this.#flight = this.#counted(abortable(course(signal), signal)).finally(() => {
      if (this.#flight === flight) this.#flight = undefined;
    });
    return flight;
  }

  async #counted<T>(work: Promise<T>): Promise<T> {
    const { onWork } = this.#options.settings;
    onWork?.({ isBegun: true, isUnknown: false });
    try {
      return await work;
    } finally {
      onWork?.({ isBegun: false, isUnknown: this.#absence === NOBODY });
    }
  }

  async #course(isEnough: IsEnough, generation: AbortSignal): Promise<Landing> {
    const login = await this.#load(generation);
    if (isEnough(login)) return { login, isNew: false };
    this.#throwIfPaused(login);
    return await this.#locked(generation, async (isLocked) => {
      const latest = isLocked ? await this.#load(generation) : login;
      if (isEnough(latest)) return { login: latest, isNew: false };
      return { login: await this.#refresh(latest, isLocked, generation), isNew: true };
    });
  }

  async #locked<T>(signal: AbortSignal, run: (isLocked: boolean) => Promise<T>): Promise<T> {
    const { lock, lockTimeout: timeout, key: name } = this.#options.settings;
    return lock === undefined
      ? await run(false)
      : await underLock({ lock, name, timeout, signal }, run);
  }

  /** Reads the store, and stores what is unsaved. */
  async #load(generation: AbortSignal): Promise<Login> {
    const stored = await this.#options.entry.read();
    generation.throwIfAborted();
    this.#reconcile(stored);
    if (this.#unsaved !== undefined) return await this.#save(this.#unsaved, generation);
    if (this.#held === undefined) throw this.#nobody();
    return this.#held;
  }

  /** Brings memory in line with the store, which decides. */
  #reconcile(stored: Login | null | undefined): void {
    if (stored === null && this.#isStored) {
      this.#isStored = false;
      if (this.#held !== undefined || this.#unsaved !== undefined) {
        this.#forget();
        this.#absence = "it was signed out elsewhere; call signIn() with the code of a login";
        this.#options.emit({ type: "signed_out" });
      }
      throw this.#nobody();
    }
    this.#adopt(stored);
  }

  /** Replaces the login by a newer one in the store. */
  #adopt(stored: Login | null | undefined): void {
    this.#checkedAt = this.#options.settings.now();
    if (!stored) return;
    this.#isStored = true;
    if (!this.#isNewer(stored)) return;
    const type = this.#unsaved?.type ??
      (this.#held !== undefined
        ? "refreshed"
        : this.#absence === undefined
        ? undefined
        : "signed_in");
    this.#hold(stored, type);
  }

  #isNewer(stored: Login): boolean {
    if (this.#ended.has(stored)) return false;
    const held = this.#held;
    const latest = this.#unsaved?.login ?? held;
    return latest === undefined || isIssuedLater(stored, latest) ||
      (held !== undefined && keyOf(stored) !== keyOf(held));
  }

  #hold(login: Login, type: "signed_in" | "refreshed" | undefined): void {
    if (this.#held !== undefined) {
      if (keyOf(this.#held) === keyOf(login)) this.#ended.add(this.#held);
      else this.#ended.addKey(this.#held);
    }
    this.#held = login;
    this.#unsaved = undefined;
    this.#absence = undefined;
    this.#checkedAt = this.#options.settings.now();
    this.#options.onChange();
    if (type !== undefined) this.#options.emit({ type });
  }

  /** Starts a flight that stores a new login. */
  async #replace(unsaved: UnsavedLogin): Promise<void> {
    this.#unsaved = unsaved;
    this.#absence = undefined;
    await this.#fly(async (generation) => {
      return { login: await this.#save(unsaved, generation), isNew: true };
    });
  }

  async #save(unsaved: UnsavedLogin, generation: AbortSignal): Promise<Login> {
    const { entry, settings } = this.#options;
    await entry.write(unsaved.login, generation);
    generation.throwIfAborted();
    if (settings.store !== undefined && !this.#isStored) {
      // Only of a store that keeps what is written can a missing record mean a sign-out.
      this.#isStored = Boolean(await entry.read().catch(() => undefined));
      generation.throwIfAborted();
    }
    this.#hold(unsaved.login, unsaved.type);
    return unsaved.login;
  }

  async #refresh(login: Login, isLocked: boolean, generation: AbortSignal): Promise<Login> {
    const { entry, settings: { now, margin } } = this.#options;
    const refreshToken = login.credentials.refresh_token;
    if (refreshToken === undefined) throw await this.#withoutRefreshToken(login);
    const result = await this.#request(refreshToken, login, generation);
    if ("rejection" in result) {
      const winner = await this.#winnerOver(login, isLocked, generation);
      if (winner === undefined) throw await this.#end(login, result.rejection);
      return this.#isFresh(winner) ? winner : await this.#refresh(winner, isLocked, generation);
    }
    const fresh = receivedLogin(
      result.credentials,
      { receivedAt: now(), source: "refresh", margin, refreshToken },
    );
    // If the store cannot be read at this moment, the new tokens must not be lost.
    const stored = await entry.read().catch(() => undefined);
    generation.throwIfAborted();
    this.#reconcile(stored && keyOf(stored) === keyOf(login) ? undefined : stored);
    if (this.#held !== login && this.#held !== undefined) return this.#held;
    this.#unsaved = { login: fresh, type: "refreshed" };
    return await this.#save(this.#unsaved, generation);
  }

  /** Requests new credentials. Returns the error if it ends the session, and throws any other. */
  async #request(
    refreshToken: string,
    login: Login,
    generation: AbortSignal,
  ): Promise<{ credentials: Credentials } | { rejection: AnyCredentialError }> {
    const { client, endsSession } = this.#options.settings;
    this.#throwIfPaused(login);
    try {
      const flow = { authFlow: "refreshTokenAuth", refreshToken } as const;
      const credentials = await client.getAuthCredentials(flow, { signal: generation });
      generation.throwIfAborted();
      this.#pause.end();
      return { credentials };
    } catch (error) {
      generation.throwIfAborted();
      this.#pause.begin(keyOf(login), error);
      if (isCredentialError(error) && endsSession(error)) return { rejection: error };
      throw error;
    }
  }

  /** Returns the login that has replaced a rejected one in the store, if another process was faster. */
  async #winnerOver(
    rejected: Login,
    isLocked: boolean,
    generation: AbortSignal,
  ): Promise<Login | undefined> {
    this.#ended.addKey(rejected);
    const isShared = this.#options.settings.store !== undefined;
    for (const wait of isShared && !isLocked ? WINNER_WAITS : [0]) {
      if (wait > 0) await delay(wait, generation);
      const stored = await this.#options.entry.read().catch(() => undefined);
      generation.throwIfAborted();
      this.#adopt(stored);
      if (this.#held !== rejected) return this.#held;
    }
    return undefined;
  }

  #throwIfPaused(login: Login): void {
    const failure = this.#pause.failureOf(keyOf(login));
    if (failure !== undefined) throw failure.error;
  }

  /** A login without a refresh token lasts as long as its ID token. */
  async #withoutRefreshToken(login: Login): Promise<CredentialSessionError> {
    return isValid(login, this.#options.settings.now())
      ? new CredentialSessionError("Cannot refresh the session: it has no refresh token")
      : await this.#end(login);
  }

  /** Ends the login for good, emits the event once, and returns the error for all callers. */
  async #end(login: Login, cause?: AnyCredentialError): Promise<CredentialSessionError> {
    const reason = cause === undefined
      ? "its ID token has expired, and there is no refresh token"
      : "the service has rejected its refresh token";
    this.#ended.addKey(login);
    this.#forget();
    this.#isStored = false;
    this.#absence = `it has ended, because ${reason}; send the user to the login page`;
    const { operation, retryCount } = cause ?? {};
    const error = this.#nobody({ operation, retryCount, cause });
    this.#options.emit({ type: "ended", error });
    // The login has ended here, even if the store cannot remove it.
    await this.#options.entry.remove(login).catch(() => {});
    return error;
  }

  #nobody(
    options?: ConstructorParameters<typeof CredentialSessionError>[1],
  ): CredentialSessionError {
    this.#absence ??= NOBODY;
    return new CredentialSessionError(`Cannot use the session: ${this.#absence}`, options);
  }

  #supersede(number: number): void {
    const { controller } = this.#generation;
    this.#generation = { number, controller: new AbortController() };
    this.#flight = undefined;
    this.#forget();
    controller.abort(SUPERSEDED);
  }

  #forget(): void {
    if (this.#held !== undefined) this.#ended.add(this.#held);
    if (this.#unsaved !== undefined) this.#ended.add(this.#unsaved.login);
    this.#held = this.#unsaved = undefined;
    this.#options.onChange();
  }
}
