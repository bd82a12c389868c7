import { type AnyCredentialError, CredentialSessionError } from "../errors.ts";
import { type HeldCredentials, isIssuedLater, keyOf, SpentLogins } from "./held.ts";
import type { SessionListeners } from "./listeners.ts";
import type { SessionEvent } from "./options.ts";
import type { SessionRecord } from "./store.ts";
import { delay } from "../async.ts";

/** Why work for a login is dropped: another sign-in, or a sign-out, has come in between. It never reaches a caller. */
export class Superseded {}

/** How credentials in memory stand to those in the store. */
type Standing =
  /** Given by the application, and not stored yet: they give way to what was issued later. */
  | "given"
  /** New from the service, and not stored yet: they take the place of what is stored. */
  | "unsaved"
  /** Stored: what is found in their place was stored later, by another. */
  | "saved";

/** Which step of a login's life has been taken: of two that overlap, the one that was begun later wins. */
export type Turn = number;

/** How often the winner of a rotation race is looked for in the store, and how long in between, in ms. */
const PATIENCE: readonly number[] = [50, 100, 200, 400];

/** What a {@linkcode SessionState} is made of. */
export interface SessionStateOptions {
  /** The entry in the store. */
  readonly record: SessionRecord;
  /** Whether others can have the store, too. */
  readonly isShared: boolean;
  /** Those who want to know. */
  readonly listeners: SessionListeners;
  /** Called whenever the credentials change. */
  readonly onHold: () => void;
  /** The local clock, in ms. */
  readonly now: () => number;
  /** What the application has given to start with. */
  readonly given: HeldCredentials | undefined;
}

/**
 * What a session knows: the credentials in memory, in step with those in the store. It is the one place that changes
 * either; whoever waits for something in between looks at `era` afterwards.
 */
export class SessionState {
  readonly #options: SessionStateOptions;
  #held: HeldCredentials | undefined;
  #standing: Standing = "given";
  #lastSaved: HeldCredentials | undefined;
  #era = new AbortController();
  #turns: Turn = 0;
  #latestTurn: Turn = 0;
  #settling: Promise<HeldCredentials> | undefined;
  readonly #spent = new SpentLogins();
  /** What is to be told once the credentials are stored. */
  #untold: SessionEvent | undefined;
  /** The time of a sign-out that the store did not let go for: what was received before it is signed out. */
  #leftAt = -Infinity;
  /** Why nobody is signed in; `undefined` while that has not been found out. */
  #absence: string | undefined;
  /** Whether the store was seen to keep what is put into it, so that what is missing was taken out by somebody. */
  #isKept = false;

  /** Makes a state; reads nothing yet. */
  constructor(options: SessionStateOptions) {
    this.#options = options;
    this.#held = options.given;
  }

  /** The credentials, once they are in the store, too. */
  get saved(): HeldCredentials | undefined {
    return this.#standing === "saved" ? this.#held : undefined;
  }

  /** The last of this login that were in the store: what is left to use where later ones cannot be stored. */
  get lastSaved(): HeldCredentials | undefined {
    return this.#lastSaved;
  }

  /** Whether there are credentials, in memory or in a store that answers at once. */
  get isSignedIn(): boolean {
    if (this.#held === undefined) this.#adopt(this.#options.record.peek());
    return this.#held !== undefined;
  }

  /** Ends, with {@linkcode Superseded}, at the next sign-in or sign-out. */
  get era(): AbortSignal {
    return this.#era.signal;
  }

  /** The turn of a sign-in that begins now. */
  nextTurn(): Turn {
    return ++this.#turns;
  }

  /** The credentials, read from the store or written to it where that is still to be done; one time for all who wait. */
  async settled(): Promise<HeldCredentials> {
    if (this.saved !== undefined) return this.saved;
    const settling = this.#settling ??= this.#settle();
    try {
      return await settling;
    } finally {
      if (this.#settling === settling) this.#settling = undefined;
    }
  }

  async #settle(): Promise<HeldCredentials> {
    const held = await this.reread();
    if (this.#standing === "saved") return held;
    await this.#save(held);
    return held;
  }

  /** Reads the store again, and takes over what is newer there. */
  async reread(): Promise<HeldCredentials> {
    const { era } = this;
    const stored = await this.#options.record.read();
    era.throwIfAborted();
    this.#adopt(stored);
    if (this.#held !== undefined && !this.#isGone(stored)) return this.#held;
    throw this.#nobody();
  }

  /** Whether another tab or process has signed out. */
  #isGone(stored: HeldCredentials | null | undefined): boolean {
    return stored === null && this.#isKept && this.#standing === "saved";
  }

  /** Forgets a login that is gone, and returns the error for those who ask for it. */
  #nobody(): CredentialSessionError {
    if (this.#held !== undefined) {
      this.#spent.add(this.#held);
      this.#forget();
      this.#absence = "it was signed out elsewhere; call signIn() with the code of a login";
      this.#options.listeners.tell({ type: "signed_out" });
    }
    this.#absence ??= "nobody is signed in; call signIn() with the code of a login";
    return new CredentialSessionError(`Cannot use the session: ${this.#absence}`);
  }

  /** Begins a new login, unless another sign-in or a sign-out has overtaken it. */
  async signIn(held: HeldCredentials, turn: Turn): Promise<void> {
    if (turn < this.#latestTurn) throw overtaken();
    this.#take(turn);
    this.#spent.delete(held);
    this.#leftAt = -Infinity;
    try {
      await this.#replace(held, { type: "signed_in" });
    } catch (thrown) {
      throw thrown instanceof Superseded ? overtaken() : thrown;
    }
  }

  /**
   * Puts the answer to a refresh in the place of what was refreshed; unless another tab or process has signed in or out, or
   * has refreshed as well, while it was on its way: what is in the store then counts.
   */
  async refreshed(held: HeldCredentials, before: HeldCredentials): Promise<HeldCredentials> {
    const { era } = this;
    // If the store fails now, the answer must not be lost for that.
    const stored = await this.#options.record.read().catch(() => undefined);
    era.throwIfAborted();
    if (this.#isGone(stored)) throw this.#nobody();
    if (stored && keyOf(stored) !== keyOf(before)) this.#adopt(stored);
    if (this.#held !== before && this.#held !== undefined) return this.#held;
    if (keyOf(before) !== keyOf(held)) this.#spent.add(before);
    await this.#replace(held, { type: "refreshed" });
    return held;
  }

  /** Forgets the credentials at once, and then removes them from the store. */
  async signOut(): Promise<void> {
    const { listeners, record, now } = this.#options;
    const turn = this.nextTurn();
    const leftAt = now();
    this.#take(turn);
    this.#absence = "it was signed out; call signIn() with the code of a login";
    listeners.tell({ type: "signed_out" });
    try {
      await record.remove();
    } catch (thrown) {
      if (turn === this.#latestTurn) this.#leftAt = leftAt;
      throw thrown;
    }
  }

  /**
   * Looks for credentials that have taken the place of those whose refresh token was rejected. Another process may be
   * about to store them: it is given a moment, unless nobody else has the store or all take a lock.
   */
  async isReplaced(rejected: HeldCredentials, isLocked: boolean): Promise<boolean> {
    const { era } = this;
    const { record, isShared } = this.#options;
    this.#spent.add(rejected);
    const pauses = isShared && !isLocked ? [0, ...PATIENCE] : [0];
    for (const pause of pauses) {
      if (pause > 0) await delay(pause, era);
      // A store that fails now knows nothing better, either.
      const stored = await record.read().catch(() => undefined);
      era.throwIfAborted();
      this.#adopt(stored);
      if (this.#held !== rejected) return true;
    }
    return false;
  }

  /** Ends the login for good, tells it once, and returns the error for all who wait. */
  async end(held: HeldCredentials, cause?: AnyCredentialError): Promise<CredentialSessionError> {
    this.#spent.add(held);
    this.#forget();
    const reason = cause === undefined
      ? "its ID token has expired, and there is no refresh token"
      : "the service has rejected its refresh token";
    this.#absence = `it has ended, as ${reason}; send the user to the login page`;
    const error = new CredentialSessionError(`Cannot use the session: ${this.#absence}`, {
      operation: cause?.operation,
      retryCount: cause?.retryCount,
      cause,
    });
    this.#options.listeners.tell({ type: "ended", error });
    const isDead = (stored: HeldCredentials) => keyOf(stored) === keyOf(held);
    // The token is known as dead here, even if the store does not let go of it.
    await this.#options.record.remove(isDead).catch(() => {});
    return error;
  }

  /** Begins a new era: what is under way for the last one is dropped. */
  #take(turn: Turn): void {
    this.#latestTurn = turn;
    const before = this.#era;
    this.#era = new AbortController();
    this.#settling = undefined;
    if (this.#held !== undefined) this.#spent.add(this.#held);
    this.#forget();
    before.abort(new Superseded());
  }

  #forget(): void {
    this.#held = undefined;
    this.#lastSaved = undefined;
    this.#untold = undefined;
    this.#options.onHold();
  }

  async #replace(held: HeldCredentials, event: SessionEvent): Promise<void> {
    this.#held = held;
    this.#standing = "unsaved";
    this.#absence = undefined;
    this.#untold = event;
    await this.#save(held);
  }

  async #save(held: HeldCredentials): Promise<void> {
    const { era } = this;
    const { record, isShared } = this.#options;
    await record.write(held, era);
    if (isShared && !this.#isKept) {
      const stored = await record.read().catch(() => undefined);
      this.#isKept = Boolean(stored && keyOf(stored) === keyOf(held));
    }
    era.throwIfAborted();
    if (this.#held !== held || this.#standing === "saved") return;
    this.#setSaved(held);
    this.#options.onHold();
    const event = this.#untold;
    this.#untold = undefined;
    if (event !== undefined) this.#options.listeners.tell(event);
  }

  #adopt(stored: HeldCredentials | null | undefined): void {
    if (!stored || !this.#isNewer(stored)) return;
    this.#isKept = true;
    const { listeners, onHold } = this.#options;
    const event: SessionEvent | undefined = this.#held !== undefined
      ? { type: "refreshed" }
      : this.#absence === undefined
      ? undefined
      : { type: "signed_in" };
    if (this.#held !== undefined && keyOf(this.#held) !== keyOf(stored)) {
      this.#spent.add(this.#held);
    }
    this.#setSaved(stored);
    this.#absence = undefined;
    onHold();
    if (event !== undefined) listeners.tell(event);
  }

  #setSaved(held: HeldCredentials): void {
    this.#held = this.#lastSaved = held;
    this.#standing = "saved";
  }

  #isNewer(stored: HeldCredentials): boolean {
    const held = this.#held;
    if (this.#spent.has(stored) || stored.receivedAt <= this.#leftAt) return false;
    if (held === undefined) return true;
    switch (this.#standing) {
      case "given":
        return isIssuedLater(stored, held);
      case "unsaved":
        return false;
      case "saved":
        return keyOf(stored) !== keyOf(held) || isIssuedLater(stored, held);
      default:
        return this.#standing satisfies never;
    }
  }
}

function overtaken(): CredentialSessionError {
  return new CredentialSessionError(
    "Cannot sign in: another sign-in, or a sign-out, has come in between",
  );
}
