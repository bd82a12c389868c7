import { type CredentialErrorOptions, CredentialSessionError } from "../errors.ts";
import { EndedLogins, isIssuedLater, keyOf, type Login } from "./login_tokens.ts";
import type { SessionEvent } from "./options.ts";

/** A login that is not in the store yet. */
export interface UnsavedLogin {
  readonly login: Login;
  /**
   * The event to emit once the login is stored; absent for credentials given by the application.
   */
  readonly type?: "signed_in" | "refreshed";
}

/** Options for {@linkcode LoginSlots}. */
export interface LoginSlotsOptions {
  /** The local clock, in ms. */
  readonly now: () => number;
  /** Credentials given by the application. */
  readonly given: Login | undefined;
  /** Called with each event. */
  readonly emit: (event: SessionEvent) => void;
  /** Called when the login has changed. */
  readonly onChange: () => void;
}

const NOBODY = "nobody is signed in; call signIn() with the code of a login";

/**
 * The login in memory, in two slots. *Held* is in the store, and the only login that is handed out.
 * *Unsaved* is newer, and on its way to the store. All methods are synchronous, so that no step can
 * come in between.
 */
export class LoginSlots {
  readonly #options: LoginSlotsOptions;
  /** The logins that are over, which a store may still return. */
  readonly ended: EndedLogins = new EndedLogins();
  #held: Login | undefined;
  #unsaved: UnsavedLogin | undefined;
  /** The reason why nobody is signed in; `undefined` before the first read. */
  #absence: string | undefined;
  /** Whether the store was seen to hold a record, so that a missing one was removed by somebody. */
  #isStored = false;
  /** The time of the last answer of the store, in ms of the local clock. */
  #checkedAt = -Infinity;

  /** Creates the slots, with the given credentials as unsaved. */
  constructor(options: LoginSlotsOptions) {
    this.#options = options;
    this.#unsaved = options.given && { login: options.given };
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

  /** Whether the store was seen to hold a record. */
  get isStored(): boolean {
    return this.#isStored;
  }

  /** Whether the store was read, and nobody is signed in. */
  get isNobody(): boolean {
    return this.#absence === NOBODY;
  }

  /** Checks whether the store was read within `recheck` ms before a time. */
  isChecked(recheck: number, time: number): boolean {
    // A clock that was set back must not postpone the next read for hours.
    return recheck === Infinity || Math.abs(time - this.#checkedAt) < recheck;
  }

  /** Postpones the next read of the store by `recheck` ms. */
  check(): void {
    this.#checkedAt = this.#options.now();
  }

  /**
   * Brings the slots in line with the store, which decides. Throws if the login was removed
   * elsewhere.
   */
  reconcile(stored: Login | null | undefined): void {
    if (stored !== null || !this.#isStored) return this.adopt(stored);
    this.#isStored = false;
    if (this.latest !== undefined) {
      this.forget("it was signed out elsewhere; call signIn() with the code of a login");
      this.#options.emit({ type: "signed_out" });
    }
    throw this.nobody();
  }

  /** Takes over a login of the store if it is newer. */
  adopt(stored: Login | null | undefined): void {
    this.check();
    if (!stored) return;
    this.#isStored = true;
    if (this.#isNewer(stored)) this.hold(stored, this.#unsaved?.type ?? this.#adoptionType());
  }

  #isNewer(stored: Login): boolean {
    if (this.ended.has(stored)) return false;
    const { latest } = this;
    return latest === undefined || isIssuedLater(stored, latest) ||
      (this.#held !== undefined && keyOf(stored) !== keyOf(this.#held));
  }

  /** Returns the event for a login of another process; none for the first read of the store. */
  #adoptionType(): "refreshed" | "signed_in" | undefined {
    if (this.#held !== undefined) return "refreshed";
    return this.#absence === undefined ? undefined : "signed_in";
  }

  /** Fills the slot of a login that is not in the store yet. */
  keepUnsaved(unsaved: UnsavedLogin): UnsavedLogin {
    this.#absence = undefined;
    return this.#unsaved = unsaved;
  }

  /** Records that a store was seen to keep what is written. */
  markStored(isStored: boolean): void {
    this.#isStored = isStored;
  }

  /** Holds a login that is in the store. */
  hold(login: Login, type: "signed_in" | "refreshed" | undefined): void {
    if (this.#held !== undefined) {
      if (keyOf(this.#held) === keyOf(login)) this.ended.add(this.#held);
      else this.ended.addKey(this.#held);
    }
    this.#held = login;
    this.#unsaved = undefined;
    this.#absence = undefined;
    this.check();
    this.#options.onChange();
    if (type !== undefined) this.#options.emit({ type });
  }

  /** Empties the slots. */
  forget(absence?: string): void {
    if (this.#held !== undefined) this.ended.add(this.#held);
    if (this.#unsaved !== undefined) this.ended.add(this.#unsaved.login);
    this.#held = this.#unsaved = undefined;
    if (absence !== undefined) this.#absence = absence;
    this.#options.onChange();
  }

  /** Creates the error for callers when nobody is signed in. */
  nobody(options?: CredentialErrorOptions): CredentialSessionError {
    this.#absence ??= NOBODY;
    return new CredentialSessionError(`Cannot use the session: ${this.#absence}`, options);
  }
}
