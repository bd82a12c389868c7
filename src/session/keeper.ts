import { abortable, deadline, delay } from "../async.ts";
import { type AnyCredentialError, CredentialSessionError, isCredentialError } from "../errors.ts";
import { underLock } from "./lock.ts";
import { isFresh, isValid, keyOf, type Login, receivedLogin } from "./login_tokens.ts";
import { FailurePause } from "./pause.ts";
import { LoginSlots, type LoginSlotsOptions, type UnsavedLogin } from "./slots.ts";
import type { StoreEntry } from "./store.ts";

/** Options for {@linkcode LoginKeeper}. */
export interface LoginKeeperOptions extends LoginSlotsOptions {
  /** The entry in the store. */
  readonly entry: StoreEntry;
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

/**
 * The abort reason of a generation that a sign-in or sign-out has ended. It never reaches a caller.
 */
const SUPERSEDED: unique symbol = /* @__PURE__ */ Symbol("superseded");

/**
 * The waits before the store is read for the tokens of another process that has refreshed first, in
 * ms. That process may still be about to store them.
 */
const WINNER_WAITS: readonly number[] = [0, 50, 100, 200, 400];

/** The longest time that a store delays a caller whose token needs no refresh, in ms. */
const RECHECK_TIMEOUT = 1_000;

/**
 * Keeps one login: in memory, in the store, and fresh.
 *
 * A login is in one of two slots. *Held* is in the store, and the only one that is handed out.
 * *Unsaved* is newer, and on its way there.
 *
 * ```text
 *                    read from the store
 *        ┌────────────────────────────────────────────┐
 *        │                                            ▼
 *     NOTHING ──signIn(), given──▶ UNSAVED ──stored──▶ HELD ──read: newer there──▶ HELD
 *        ▲                         ▲ ▲  │ store fails: │ │
 *        │                         │ └──┘ held stays   │ │
 *        │                         └────refreshed──────┘ │
 *        └──signOut(), read: removed elsewhere, rejected─┘
 * ```
 *
 * All loading, refreshing and storing is done in one *flight* at a time, for all callers: read the
 * store; store what is unsaved; if that is not enough, refresh. A refresh reads the store once more
 * before it stores, because another process may have refreshed, signed in or signed out meanwhile,
 * and the store decides.
 *
 * A sign-in or sign-out ends the *generation*: it aborts the flight, and whatever is still under
 * way changes nothing any more. When a sign-out, a refresh and a failing store meet, the sign-out
 * therefore wins at once in memory; the removal from the store waits for a write under way; and if
 * the removal fails, the record is remembered as over and ignored.
 */
export class LoginKeeper {
  readonly #options: LoginKeeperOptions;
  readonly #slots: LoginSlots;
  readonly #pause: FailurePause;
  #flight: Promise<Landing> | undefined;
  /** The number of sign-ins and sign-outs that have begun. */
  #begun = 0;
  /** The number of sign-ins under way. */
  #arriving = 0;
  #generation = { number: 0, controller: new AbortController() };

  /** Creates a keeper. Nothing is read yet. */
  constructor(options: LoginKeeperOptions) {
    const { credentials, now, margin } = options.settings;
    this.#options = options;
    this.#pause = new FailurePause(now);
    const receipt = { receivedAt: now(), source: "given", margin } as const;
    this.#slots = new LoginSlots(options, credentials && receivedLogin(credentials, receipt));
  }

  /** The login, if it is in the store and its ID token needs no refresh. */
  get fresh(): Login | undefined {
    const { held } = this;
    if (held === undefined) return undefined;
    const { now, recheck } = this.#options.settings;
    const time = now();
    return this.#slots.isChecked(recheck, time) && isFresh(held, time) ? held : undefined;
  }

  /** The login, if it is in the store and none is newer. */
  get held(): Login | undefined {
    return this.#slots.unsaved === undefined ? this.#slots.held : undefined;
  }

  /** The time at which the next refresh is due; `Infinity` if there is none to wait for. */
  get dueAt(): number {
    const { unsaved, held } = this.#slots;
    return unsaved === undefined ? held?.freshUntil ?? Infinity : -Infinity;
  }

  /** Whether there is a login, in memory or in a store that can be read synchronously. */
  get isSignedIn(): boolean {
    if (this.#slots.latest === undefined) this.#slots.adopt(this.#options.entry.peek());
    return this.#slots.latest !== undefined;
  }

  /**
   * Returns a login with a valid ID token: refreshed if it is due, or as it is if the refresh fails
   * while it is valid.
   */
  async current(signal: CallerSignal): Promise<Login> {
    signal?.throwIfAborted();
    const { fresh } = this;
    if (fresh !== undefined) return fresh;
    const renewal = this.renewed(this.#isFresh, signal);
    try {
      const { held } = this.#slots;
      const isHeldFresh = held !== undefined && this.#isFresh(held);
      return await (isHeldFresh ? deadline(renewal, RECHECK_TIMEOUT) : renewal);
    } catch (thrown) {
      signal?.throwIfAborted();
      const { held } = this.#slots;
      if (held === undefined || !isValid(held, this.#options.settings.now())) throw thrown;
      this.#slots.check();
      return held;
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
   * Signs in with the login that a function returns. Of sign-ins and sign-outs that overlap, the
   * one that began last wins.
   */
  async signIn(exchange: () => Promise<Login>): Promise<Login> {
    const number = ++this.#begun;
    this.#arriving++;
    try {
      const login = await exchange();
      if (number < this.#generation.number) throw SUPERSEDED;
      this.#supersede(number);
      await this.#fly(async (generation) => {
        return { login: await this.#save({ login, type: "signed_in" }, generation), isNew: true };
      });
      return login;
    } catch (thrown) {
      if (thrown !== SUPERSEDED) throw thrown;
      throw new CredentialSessionError("Cannot sign in: replaced by a later sign-in or sign-out");
    } finally {
      this.#arriving--;
      this.#reportIfBlank();
    }
  }

  /** Forgets the login at once, and removes it from the store. */
  async signOut(): Promise<void> {
    const { settings, entry, emit } = this.#options;
    this.#supersede(++this.#begun);
    this.#slots.signOut();
    emit({ type: "signed_out" });
    try {
      await underLock(settings, this.#generation.controller.signal, () => entry.remove());
      this.#slots.confirmSignOut();
      this.#reportIfBlank();
    } catch (thrown) {
      // A later sign-in replaces the record, or a later sign-out removes it.
      if (thrown !== SUPERSEDED) throw thrown;
    }
  }

  readonly #isFresh: IsEnough = (login) => isFresh(login, this.#options.settings.now());

  /** Reports that a new session would know as much as this one. */
  #reportIfBlank(): void {
    if (this.#arriving === 0 && this.#slots.isBlank) this.#options.settings.onPresence?.(false);
  }

  #supersede(number: number): void {
    const { controller } = this.#generation;
    this.#generation = { number, controller: new AbortController() };
    this.#flight = undefined;
    this.#slots.forget();
    controller.abort(SUPERSEDED);
  }

  #fly(course: (generation: AbortSignal) => Promise<Landing>): Promise<Landing> {
    const { signal } = this.#generation.controller;
    const flight = this.#flight = abortable(course(signal), signal).finally(() => {
      if (this.#flight === flight) this.#flight = undefined;
    });
    return flight;
  }

  async #course(isEnough: IsEnough, generation: AbortSignal): Promise<Landing> {
    const login = await this.#load(generation);
    if (isEnough(login)) return { login, isNew: false };
    const failure = this.#pause.failureOf(keyOf(login));
    if (failure !== undefined) throw failure.error;
    return await underLock(this.#options.settings, generation, async (isLocked) => {
      const latest = isLocked ? await this.#load(generation) : login;
      if (isEnough(latest)) return { login: latest, isNew: false };
      return { login: await this.#refresh(latest, isLocked, generation), isNew: true };
    });
  }

  /** Reads the store, and stores what is unsaved. */
  async #load(generation: AbortSignal, read = this.#options.entry.read()): Promise<Login> {
    const stored = await read;
    generation.throwIfAborted();
    this.#slots.reconcile(stored);
    const { unsaved, held } = this.#slots;
    if (unsaved !== undefined) return await this.#save(unsaved, generation);
    if (held !== undefined) return held;
    this.#reportIfBlank();
    throw this.#slots.nobody();
  }

  /** Reads the store again. If that fails, the login in memory counts, so that no token is lost. */
  async #reload(generation: AbortSignal): Promise<Login> {
    return await this.#load(generation, this.#options.entry.read().catch(() => undefined));
  }

  async #save(unsaved: UnsavedLogin, generation: AbortSignal): Promise<Login> {
    const { entry, settings } = this.#options;
    this.#slots.keepUnsaved(unsaved);
    await entry.write(unsaved.login, generation);
    generation.throwIfAborted();
    if (settings.store !== undefined && !this.#slots.isStored) {
      // Only of a store that keeps what is written can a missing record mean a sign-out.
      const isStored = await entry.read().then(Boolean, () => true);
      generation.throwIfAborted();
      this.#slots.isStored = isStored;
    }
    this.#slots.hold(unsaved.login, unsaved.type);
    return unsaved.login;
  }

  async #refresh(login: Login, isLocked: boolean, generation: AbortSignal): Promise<Login> {
    const refreshToken = login.credentials.refresh_token;
    if (refreshToken === undefined) {
      // Such a login lasts as long as its ID token.
      if (!isValid(login, this.#options.settings.now())) throw await this.#end(login, generation);
      throw new CredentialSessionError("Cannot refresh the session: it has no refresh token");
    }
    let received: Login;
    try {
      received = await this.#request(refreshToken, generation);
    } catch (error) {
      generation.throwIfAborted();
      this.#pause.begin(refreshToken, error);
      if (!isCredentialError(error) || !this.#options.settings.endsSession(error)) throw error;
      const winner = await this.#winnerOver(login, isLocked, generation);
      if (winner === undefined) throw await this.#end(login, generation, error);
      return this.#isFresh(winner) ? winner : await this.#refresh(winner, isLocked, generation);
    }
    generation.throwIfAborted();
    this.#pause.end();
    this.#slots.keepUnsaved({ login: received, type: "refreshed" });
    const latest = await this.#reload(generation);
    const isEnough = latest === received || this.#isFresh(latest);
    return isEnough ? latest : await this.#refresh(latest, isLocked, generation);
  }

  async #request(refreshToken: string, signal: AbortSignal): Promise<Login> {
    const { client, now, margin } = this.#options.settings;
    const flow = { authFlow: "refreshTokenAuth", refreshToken } as const;
    const credentials = await client.getAuthCredentials(flow, { signal });
    return receivedLogin(credentials, {
      receivedAt: now(),
      source: "refresh",
      margin,
      refreshToken,
    });
  }

  /** Returns the login that has replaced a rejected one, if another process was faster. */
  async #winnerOver(
    rejected: Login,
    isLocked: boolean,
    generation: AbortSignal,
  ): Promise<Login | undefined> {
    const { settings } = this.#options;
    for (const wait of settings.store !== undefined && !isLocked ? WINNER_WAITS : [0]) {
      if (wait > 0) await delay(wait, generation);
      const latest = await this.#reload(generation);
      if (latest !== rejected) return latest;
    }
    return undefined;
  }

  /** Ends the login for good, emits the event once, and returns the error for all callers. */
  async #end(
    login: Login,
    generation: AbortSignal,
    cause?: AnyCredentialError,
  ): Promise<CredentialSessionError> {
    generation.throwIfAborted();
    const reason = cause === undefined
      ? "its ID token has expired, and there is no refresh token"
      : "the service has rejected its refresh token";
    this.#slots.forget(`it has ended, because ${reason}; send the user to the login page`);
    const { operation, retryCount } = cause ?? {};
    const error = this.#slots.nobody({ operation, retryCount, cause });
    this.#options.emit({ type: "ended", error });
    // The login has ended here, even if the store cannot remove it.
    await this.#options.entry.remove(login).catch(() => {});
    return error;
  }
}
