import { abortable, deadline, delay } from "../async.ts";
import { type AnyCredentialError, CredentialSessionError } from "../errors.ts";
import { underLock } from "./lock.ts";
import { isFresh, isValid, keyOf, type Login, receivedLogin } from "./login_tokens.ts";
import type { SessionEvent } from "./options.ts";
import { Refresher } from "./refresher.ts";
import type { SessionSettings } from "./settings.ts";
import { LoginSlots, type UnsavedLogin } from "./slots.ts";
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

/**
 * The abort reason of a generation that a sign-in or sign-out has ended. It never reaches a caller.
 */
const SUPERSEDED: unique symbol = /* @__PURE__ */ Symbol("superseded");

/**
 * The waits before the store is read for the tokens of another process that has refreshed first, in
 * ms. That process may still be about to store them.
 */
const WINNER_WAITS: readonly number[] = [0, 50, 100, 200, 400];

/** The longest time that a store delays a caller whose token is valid, in ms. */
const RECHECK_TIMEOUT = 1_000;

/**
 * Keeps one login: in memory, in the store, and fresh.
 *
 * Its {@linkcode LoginSlots}: *held* is in the store, *unsaved* is on its way there.
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
 * the removal fails, the record is remembered as ended and ignored.
 */
export class LoginKeeper {
  readonly #options: LoginKeeperOptions;
  readonly #refresher: Refresher;
  readonly #slots: LoginSlots;
  #flight: Promise<Landing> | undefined;
  /** The number of sign-ins and sign-outs that have begun. */
  #begun = 0;
  #generation = { number: 0, controller: new AbortController() };

  /** Creates a keeper. Nothing is read yet. */
  constructor(options: LoginKeeperOptions) {
    const { settings: { credentials, now, margin }, emit, onChange } = options;
    const receipt = { receivedAt: now(), source: "given", margin } as const;
    this.#options = options;
    this.#refresher = new Refresher(options.settings);
    this.#slots = new LoginSlots({
      now,
      given: credentials && receivedLogin(credentials, receipt),
      emit,
      onChange,
    });
  }

  /** The login, if it is in the store and its ID token needs no refresh. */
  get fresh(): Login | undefined {
    const { held } = this;
    if (held === undefined) return undefined;
    const { now, recheck } = this.#options.settings;
    const time = now();
    return isFresh(held, time) && this.#slots.isChecked(recheck, time) ? held : undefined;
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
    const { now } = this.#options.settings;
    const renewal = this.renewed(this.#isFresh, signal);
    try {
      const isRecheck = this.held !== undefined && this.#isFresh(this.held);
      return await (isRecheck ? deadline(renewal, RECHECK_TIMEOUT) : renewal);
    } catch (thrown) {
      signal?.throwIfAborted();
      const { held } = this.#slots;
      if (held === undefined || !isValid(held, now())) throw thrown;
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
    const login = await this.#counted(exchange());
    try {
      if (number < this.#generation.number) throw SUPERSEDED;
      this.#supersede(number);
      this.#slots.ended.restart(login);
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
    const isKnown = this.#slots.latest !== undefined || this.#slots.isStored;
    let isRemoved = false;
    this.#supersede(++this.#begun, "it was signed out; call signIn() with the code of a login");
    this.#slots.markStored(false);
    // Until the record is removed, this covers a login that this session has never read.
    this.#slots.ended.addAllUntil(settings.now());
    emit({ type: "signed_out" });
    try {
      const { signal } = this.#generation.controller;
      const removal = this.#locked(signal, async () => {
        await entry.remove();
        isRemoved = true;
      });
      await this.#counted(removal, () => isRemoved && !isKnown);
      this.#slots.ended.restart();
    } catch (thrown) {
      // A later sign-in replaces the record, or a later sign-out removes it.
      if (thrown !== SUPERSEDED) throw thrown;
    }
  }

  readonly #isFresh: IsEnough = (login) => isFresh(login, this.#options.settings.now());

  #fly(course: (generation: AbortSignal) => Promise<Landing>): Promise<Landing> {
    const { signal } = this.#generation.controller;
    const flight = this.#flight = this.#counted(abortable(course(signal), signal)).finally(() => {
      if (this.#flight === flight) this.#flight = undefined;
    });
    return flight;
  }

  async #counted<T>(work: Promise<T>, isUnknown = () => this.#slots.isNobody): Promise<T> {
    const { onWork } = this.#options.settings;
    onWork?.({ isBegun: true, isUnknown: false });
    try {
      return await work;
    } finally {
      onWork?.({ isBegun: false, isUnknown: isUnknown() });
    }
  }

  async #course(isEnough: IsEnough, generation: AbortSignal): Promise<Landing> {
    const login = await this.#load(generation);
    if (isEnough(login)) return { login, isNew: false };
    this.#refresher.throwIfPaused(login);
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
    this.#slots.reconcile(stored);
    const { unsaved, held } = this.#slots;
    if (unsaved !== undefined) return await this.#save(unsaved, generation);
    if (held === undefined) throw this.#slots.nobody();
    return held;
  }

  /** Starts a flight that stores a new login. */
  async #replace(unsaved: UnsavedLogin): Promise<void> {
    this.#slots.keepUnsaved(unsaved);
    await this.#fly(async (generation) => {
      return { login: await this.#save(unsaved, generation), isNew: true };
    });
  }

  async #save(unsaved: UnsavedLogin, generation: AbortSignal): Promise<Login> {
    const { entry, settings } = this.#options;
    await entry.write(unsaved.login, generation);
    generation.throwIfAborted();
    if (settings.store !== undefined && !this.#slots.isStored) {
      // Only of a store that keeps what is written can a missing record mean a sign-out.
      const isStored = await entry.read().then(Boolean, () => true);
      generation.throwIfAborted();
      this.#slots.markStored(isStored);
    }
    this.#slots.hold(unsaved.login, unsaved.type);
    return unsaved.login;
  }

  async #refresh(login: Login, isLocked: boolean, generation: AbortSignal): Promise<Login> {
    const refreshToken = login.credentials.refresh_token;
    if (refreshToken === undefined) throw await this.#withoutRefreshToken(login);
    const result = await this.#refresher.request(login, refreshToken, generation);
    if (result.rejection !== undefined) {
      const winner = await this.#winnerOver(login, isLocked, generation);
      if (winner === undefined) throw await this.#end(login, result.rejection);
      return this.#isFresh(winner) ? winner : await this.#refresh(winner, isLocked, generation);
    }
    // If the store cannot be read at this moment, the new tokens must not be lost.
    const stored = await this.#options.entry.read().catch(() => undefined);
    generation.throwIfAborted();
    this.#slots.reconcile(stored && keyOf(stored) === keyOf(login) ? undefined : stored);
    const { held } = this.#slots;
    if (held !== undefined && held !== login) return held;
    const unsaved = this.#slots.keepUnsaved({ login: result.login, type: "refreshed" });
    return await this.#save(unsaved, generation);
  }

  /**
   * Returns the login that has replaced a rejected one in the store, if another process was faster.
   */
  async #winnerOver(
    rejected: Login,
    isLocked: boolean,
    generation: AbortSignal,
  ): Promise<Login | undefined> {
    this.#slots.ended.addKey(rejected);
    const isShared = this.#options.settings.store !== undefined;
    for (const wait of isShared && !isLocked ? WINNER_WAITS : [0]) {
      if (wait > 0) await delay(wait, generation);
      const stored = await this.#options.entry.read().catch(() => undefined);
      generation.throwIfAborted();
      this.#slots.adopt(stored);
      if (this.#slots.held !== rejected) return this.#slots.held;
    }
    return undefined;
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
    this.#slots.ended.addKey(login);
    this.#slots.forget(`it has ended, because ${reason}; send the user to the login page`);
    this.#slots.markStored(false);
    const { operation, retryCount } = cause ?? {};
    const error = this.#slots.nobody({ operation, retryCount, cause });
    this.#options.emit({ type: "ended", error });
    // The login has ended here, even if the store cannot remove it.
    await this.#options.entry.remove(login).catch(() => {});
    return error;
  }

  #supersede(number: number, absence?: string): void {
    const { controller } = this.#generation;
    this.#generation = { number, controller: new AbortController() };
    this.#flight = undefined;
    this.#slots.forget(absence);
    controller.abort(SUPERSEDED);
  }
}
