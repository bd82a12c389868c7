import { type CredentialErrorOptions, CredentialSessionError } from "../errors.ts";
import { isIssuedLater, keyOf, type Login, recordOf } from "./login_tokens.ts";
import type { SessionEvent } from "./options.ts";
import type { SessionSettings } from "./settings.ts";

/** A login that is not in the store yet, and the event to emit once it is. */
export interface UnsavedLogin {
  /** The login. */
  readonly login: Login;
  /** The event; none for credentials given by the application. */
  readonly type?: "signed_in" | "refreshed";
}

/** Options for {@linkcode LoginSlots}. */
export interface LoginSlotsOptions {
  /** The settings of the session. */
  readonly settings: SessionSettings;
  /** Called with each event. */
  readonly emit: (event: SessionEvent) => void;
  /** Called when the login in memory has changed. */
  readonly onChange: () => void;
}

/** The number of records that are remembered as over. */
const MAX_OVER = 6;

/**
 * The login in memory, in two slots. *Held* is in the store, and the only login that is handed out.
 * *Unsaved* is newer, and on its way to the store. All methods are synchronous, so that no step can
 * come in between.
 */
export class LoginSlots {
  readonly #options: LoginSlotsOptions;
  #held: Login | undefined;
  #unsaved: UnsavedLogin | undefined;
  /** The reason why nobody is signed in; `undefined` before the first read. */
  #absence: string | undefined;
  /** The records that are over, which a store may still return. */
  #over: readonly string[] = [];
  /** All records received up to this time are over, until a sign-out has removed them. */
  #overUntil = -Infinity;
  /** The time of the last attempt to read the store, in ms of the local clock. */
  #checkedAt = -Infinity;
  /** Whether the store was seen to hold a record, so that a missing one was removed by somebody. */
  isStored = false;

  /** Creates the slots, with the given credentials as unsaved. */
  constructor(options: LoginSlotsOptions, given: Login | undefined) {
    this.#options = options;
    this.#unsaved = given && { login: given };
  }

  /** The login in the store, also while a newer one is on its way there. */
  get held(): Login | undefined {
    return this.#held;
  }

  /** The login that is on its way to the store. */
  get unsaved(): UnsavedLogin | undefined {
    return this.#unsaved;
  }

  /** The newest login. */
  get latest(): Login | undefined {
    return this.#unsaved?.login ?? this.#held;
  }

  /** Whether there is no login, and none that a store may still return after its end. */
  get isBlank(): boolean {
    return this.latest === undefined && this.#over.length === 0 && this.#overUntil === -Infinity;
  }

  /** Checks whether the store was read within `recheck` ms before a time. */
  isChecked(recheck: number, time: number): boolean {
    // A clock that was set back must not postpone the next read for hours.
    return recheck === Infinity || Math.abs(time - this.#checkedAt) < recheck;
  }

  /** Postpones the next read of the store by `recheck` ms. */
  check(): void {
    this.#checkedAt = this.#options.settings.now();
  }

  /**
   * Brings the slots in line with the store, which decides. Throws if the login was removed
   * elsewhere.
   */
  reconcile(stored: Login | null | undefined): void {
    if (stored !== null || !this.isStored || this.latest === undefined) return this.adopt(stored);
    this.forget("it was signed out elsewhere; call signIn() with the code of a login");
    this.#options.emit({ type: "signed_out" });
    throw this.nobody();
  }

  /** Holds a login of the store if it is newer. */
  adopt(stored: Login | null | undefined): void {
    this.check();
    if (!stored || this.#isOver(stored)) return;
    this.isStored = true;
    if (this.#isNewer(stored)) this.hold(stored, this.#unsaved?.type ?? this.#adoptionType());
  }

  #isOver(stored: Login): boolean {
    return stored.receivedAt <= this.#overUntil || this.#over.includes(recordOf(stored));
  }

  #isNewer(stored: Login): boolean {
    const held = this.#held;
    // The clocks of a service may differ, so that unsaved tokens can have an earlier `iat`.
    if (held !== undefined && recordOf(stored) === recordOf(held)) return false;
    const { latest } = this;
    return latest === undefined || isIssuedLater(stored, latest) ||
      (held !== undefined && keyOf(stored) !== keyOf(held));
  }

  /** Returns the event for a login of another process; none for the first read of the store. */
  #adoptionType(): UnsavedLogin["type"] {
    if (this.#held !== undefined) return "refreshed";
    return this.#absence === undefined ? undefined : "signed_in";
  }

  /** Fills the slot of a login that is not in the store yet. */
  keepUnsaved(unsaved: UnsavedLogin): void {
    this.#unsaved = unsaved;
    this.#absence = undefined;
    this.#options.settings.onPresence?.(true);
  }

  /** Holds a login that is in the store. */
  hold(login: Login, type: UnsavedLogin["type"]): void {
    this.#close(this.#held);
    this.#over = this.#over.filter((record) => record !== recordOf(login));
    this.#held = login;
    this.#unsaved = undefined;
    this.#absence = undefined;
    this.check();
    this.#options.settings.onPresence?.(true);
    this.#options.onChange();
    if (type !== undefined) this.#options.emit({ type });
  }

  /** Empties the slots. Without a reason, another login follows. */
  forget(absence?: string): void {
    this.#close(this.#held);
    this.#close(this.#unsaved?.login);
    this.#held = this.#unsaved = undefined;
    this.#overUntil = -Infinity;
    if (absence !== undefined) {
      this.#absence = absence;
      this.isStored = false;
    }
    this.#options.onChange();
  }

  /** Remembers that the record of a login is over. */
  #close(login: Login | undefined): void {
    if (login !== undefined) this.#over = [...this.#over, recordOf(login)].slice(-MAX_OVER);
  }

  /** Empties the slots. Until the removal is confirmed, a login that was never read is over too. */
  signOut(): void {
    this.forget("it was signed out; call signIn() with the code of a login");
    this.#overUntil = this.#options.settings.now();
  }

  /** Confirms that the store has removed the record. */
  confirmSignOut(): void {
    this.#overUntil = -Infinity;
  }

  /** Creates the error for callers when nobody is signed in. */
  nobody(options?: CredentialErrorOptions): CredentialSessionError {
    this.#absence ??= "nobody is signed in; call signIn() with the code of a login";
    return new CredentialSessionError(`Cannot use the session: ${this.#absence}`, options);
  }
}
